/* PEP 503 pages by libxml2's HTML parser, as events: no tree, no network. Three things keep it
 * honest.
 *
 * Its push mode goes wrong when a piece ends within a character or a tag (2.9.14 loses the rest of
 * the page then), so it is given text that ends behind a ">", in blocks that depend on the page
 * alone and not on how the page arrived.
 *
 * It stops reading behind what it takes for the end of the document. So the page is put into an
 * element of ours that stays open, without the elements that it would imply: anchors behind </html>
 * count, as for pip.
 *
 * Some of what it does is quadratic: it goes through all open elements at an end tag that fits
 * none, through all attributes of a tag at each one more, and looks for a ">" at each wrong "<?".
 * Such steps are counted and capped, and so is a tag's length, which alone would be too much. */
#include <assert.h>
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

#include "dray/py/simple_file.h"
#include "dray/py/simple_text.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

#define WRAPPER "x-dray-page"

enum { BLOCK_BYTES = 16 * 1024, CUT_BYTES = 16 };

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_ptr;
#else
typedef xmlError *error_ptr;
#endif

struct simple_html {
    htmlParserCtxtPtr parser;
    struct simple_listing *out;
    struct err *e; /* of the call that is running */
    int code;      /* what a callback found wrong */
    size_t depth;  /* open elements, the wrapper included */
    size_t steps;  /* what libxml2 may have looked at, in items */
    size_t fed;    /* bytes of text given to libxml2, with the wrapper */
    bool ending;   /* libxml2 closes what is open */
    bool cut;      /* and met a tag that the end of the page cut in two */
    bool has_base;
    struct buf charset; /* of the Content-Type */
    struct buf version; /* empty: none */

    struct decoder decoder;
    struct buf bytes; /* not decoded yet: at most the start of a character between calls */
    struct buf text;  /* decoded, not parsed yet */
    size_t searched;  /* bytes of text that have no ">" */
    size_t max;       /* bytes of text at which a block is full */
};

static void html_fail(struct simple_html *p, int code)
{
    p->code = code;
    xmlStopParser(p->parser);
}

/* STR_NONE when the attribute is missing or has no value, which is the same to pip. Of one that is
 * there twice libxml2 gives the first (as HTML 5 has it; pip takes the last). */
static struct str html_attribute(const xmlChar **attributes, const char *name)
{
    for (size_t i = 0; attributes && attributes[i]; i += 2)
        if (strcmp((const char *)attributes[i], name) == 0)
            return str_of((const char *)attributes[i + 1]);
    return STR_NONE;
}

static bool html_take(struct simple_html *p, const xmlChar **attributes, const char *name,
                      struct str *out)
{
    *out = html_attribute(attributes, name);
    int code = simple_field_check(*out, name, p->e);
    if (code)
        html_fail(p, code);
    return code == 0;
}

/* "true" or "alg=hex" (PEP 658); any other text counts as "true", as for pip. */
static void html_set_metadata(struct simple_file *f, struct str value)
{
    struct simple_digests digests = { .n = 0 };
    struct str hex, name = str_cut(value, '=', &hex);
    enum digest_alg alg;

    if (!value.p)
        return;
    if (hex.p && digest_alg_parse(name, &alg))
        simple_digests_put(&digests, alg, hex);
    simple_file_set_metadata(f, &digests);
}

static void html_anchor(struct simple_html *p, const xmlChar **attributes)
{
    struct simple_file file = { .size = SIMPLE_SIZE_UNKNOWN };
    struct simple_digests digests = { .n = 0 };
    struct str href, requires_python, yanked, metadata, old_metadata;

    if (!html_take(p, attributes, "href", &href) ||
        !html_take(p, attributes, "data-requires-python", &requires_python) ||
        !html_take(p, attributes, "data-yanked", &yanked) ||
        !html_take(p, attributes, "data-core-metadata", &metadata) ||
        !html_take(p, attributes, "data-dist-info-metadata", &old_metadata) || href.n == 0)
        return;
    simple_file_set_url(&file, &p->out->arena, href, &digests);
    simple_file_set_requires_python(&file, p->out, requires_python);
    file.yanked = yanked.p != NULL;
    file.yanked_reason = arena_str(&p->out->arena, yanked);
    html_set_metadata(&file, metadata.p ? metadata : old_metadata); /* PEP 714 */
    int code = simple_listing_add(p->out, &file, &digests, p->e);
    if (code)
        html_fail(p, code);
}

static void html_base(struct simple_html *p, const xmlChar **attributes)
{
    struct str href;

    if (p->has_base || !html_take(p, attributes, "href", &href) || !href.p)
        return;
    p->has_base = true; /* an empty one hides later ones, and means the page's own URL */
    p->out->base = arena_str(&p->out->arena, href);
}

/* PEP 629 */
static void html_meta(struct simple_html *p, const xmlChar **attributes)
{
    struct str content;

    if (!str_is(html_attribute(attributes, "name"), "pypi:repository-version") ||
        !html_take(p, attributes, "content", &content))
        return;
    buf_reset(&p->version);
    buf_add_str(&p->version, content);
}

static void html_count(struct simple_html *p, size_t steps)
{
    if (p->code || p->ending)
        return;
    p->steps += steps;
    if (p->steps > LIMIT_HTML_STEPS)
        html_fail(p, err_set(p->e, ERR_LIMIT, "the page takes too much time to be read as HTML"));
}

static void html_start(void *ctx, const xmlChar *name, const xmlChar **attributes)
{
    struct simple_html *p = ctx;
    struct str tag = str_of((const char *)name);
    size_t n = 0;

    while (attributes && attributes[n])
        n += 2;
    html_count(p, n * n / 8);
    if (p->code || p->cut)
        return;
    if (++p->depth > LIMIT_HTML_DEPTH)
        html_fail(p, err_set(p->e, ERR_LIMIT, "the page nests deeper than %d elements",
                             LIMIT_HTML_DEPTH));
    else if (str_is(tag, "a"))
        html_anchor(p, attributes);
    else if (str_is(tag, "base"))
        html_base(p, attributes);
    else if (str_is(tag, "meta"))
        html_meta(p, attributes);
}

static void html_end(void *ctx, const xmlChar *name)
{
    struct simple_html *p = ctx;

    (void)name;
    html_count(p, p->depth);
    if (p->code || --p->depth > 0 || p->ending)
        return;
    /* What follows would be lost in silence. */
    html_fail(
        p, err_set(p->e, ERR_INPUT, "the page ends an element <" WRAPPER "> that it never began"));
}

/* Also what keeps libxml2 from writing to stderr. Tag soup is no error of ours; what ends the parse
 * is. */
static void html_note(void *ctx, error_ptr error)
{
    struct simple_html *p = ctx;

    if (error->code == XML_ERR_NO_MEMORY)
        abort();
    html_count(p, error->code == XML_ERR_PI_NOT_STARTED ? p->text.n : p->depth);
    if (p->ending && error->code == XML_ERR_ATTRIBUTE_NOT_FINISHED)
        p->cut = true;
    if (error->level == XML_ERR_FATAL && !p->code)
        html_fail(p, err_set(p->e, ERR_INPUT, "the page can't be read as HTML: %.*s",
                             STR_ARG(str_trim(str_of(error->message)))));
}

static void html_parser_open(struct simple_html *p)
{
    static const char start[] = "<" WRAPPER ">";
    xmlSAXHandler handler = {
        .startElement = html_start,
        .endElement = html_end,
        .serror = html_note,
        .initialized = XML_SAX2_MAGIC, /* or serror is not asked */
    };

    p->parser = htmlCreatePushParserCtxt(&handler, p, start, sizeof(start) - 1, NULL,
                                         XML_CHAR_ENCODING_UTF8);
    if (!p->parser)
        abort();
    p->fed = sizeof(start) - 1;
    htmlCtxtUseOptions(p->parser, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOIMPLIED |
                                      HTML_PARSE_NODEFDTD | HTML_PARSE_IGNORE_ENC);
    xmlSwitchEncoding(p->parser, XML_CHAR_ENCODING_UTF8); /* or 2.9 guesses from the first letter */
}

struct simple_html *simple_html_create(struct str content_type, struct simple_listing *out)
{
    struct simple_html *p = mem_new(1, sizeof(*p));

    p->out = out;
    p->max = BLOCK_BYTES;
    buf_add_str(&p->charset, charset_of(content_type));
    decoder_init(&p->decoder, buf_str(&p->charset));
    html_parser_open(p);
    return p;
}

/* Parses the text up to its last ">" and keeps the rest. Text without one only grows: no tag is
 * whole in it. */
static int html_flush(struct simple_html *p)
{
    struct str text = buf_str(&p->text);
    ptrdiff_t last = str_rfind(str_sub(text, p->searched, text.n), '>');
    size_t whole = last < 0 ? 0 : p->searched + (size_t)last + 1;

    if (whole) {
        p->fed += whole;
        htmlParseChunk(p->parser, text.p, (int)whole, 0);
        memmove(p->text.p, p->text.p + whole, text.n - whole);
        buf_cut(&p->text, text.n - whole);
    }
    p->searched = p->text.n;
    p->max = p->text.n + BLOCK_BYTES;
    if (p->code)
        return p->code;
    /* A ">" within quotes ends no tag: that part waits in libxml2. */
    size_t waiting = p->fed - (size_t)xmlByteConsumed(p->parser) + p->text.n;
    if (waiting > LIMIT_HTML_TAG_BYTES)
        return err_set(p->e, ERR_LIMIT, "the page has more than %d bytes in one tag or text",
                       LIMIT_HTML_TAG_BYTES);
    return 0;
}

int simple_html_feed(struct simple_html *p, const unsigned char *bytes, size_t n, struct err *e)
{
    char cut[CUT_BYTES];

    p->e = e;
    if (!p->decoder.unit)
        return err_set(e, ERR_UNSUPPORTED,
                       "the page is in charset \"%.*s\", which dray does not know",
                       STR_ARG(str_sub(buf_str(&p->charset), 0, 40)));
    buf_add(&p->bytes, bytes, n);
    struct str in = buf_str(&p->bytes);
    while (!decoder_run(&p->decoder, &in, &p->text, p->max)) {
        int code = html_flush(p);
        if (code)
            return code;
    }
    assert(in.n <= sizeof(cut));
    memcpy(cut, in.p, in.n);
    buf_reset(&p->bytes);
    buf_add(&p->bytes, cut, in.n);
    return 0;
}

int simple_html_finish(struct simple_html *p, struct err *e)
{
    /* A tag that was cut at the end of the page counts for nothing, as for pip: half a URL is
     * another file's. What follows the last ">" is never parsed, and html_note() sees a quote that
     * is still open there. */
    int code = simple_html_feed(p, NULL, 0, e);

    if (!code)
        code = html_flush(p);
    if (code)
        return code;
    p->ending = true;
    htmlParseChunk(p->parser, NULL, 0, 1);
    if (p->code)
        return p->code;
    return p->version.n ? simple_version_check(buf_str(&p->version), e) : 0;
}

void simple_html_destroy(struct simple_html *p)
{
    if (!p)
        return;
    htmlFreeParserCtxt(p->parser);
    decoder_done(&p->decoder);
    buf_done(&p->charset);
    buf_done(&p->version);
    buf_done(&p->bytes);
    buf_done(&p->text);
    free(p);
}
