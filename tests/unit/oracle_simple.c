/* Answers questions about index pages for differential_simple.py. Each question on stdin is a line
 * "json|html CONTENT-TYPE-BYTES BODY-BYTES" and then those bytes; each answer on stdout one line of
 * JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "dray/py/simple.h"
#include "dray/util/buf.h"
#include "dray/util/json.h"
#include "dray/util/mem.h"

static void print_digest(struct json *j, const struct digest *d)
{
    char hex[DIGEST_HEX_SIZE];

    json_list(j);
    json_str(j, str_of(digest_name(d->alg)));
    json_str(j, str_of(digest_hex(d, hex)));
    json_list_end(j);
}

static void print_text(struct json *j, const char *key, struct str text)
{
    json_key(j, key);
    json_str(j, text);
}

static void print_file(struct json *j, const struct simple_file *f)
{
    json_map(j);
    print_text(j, "filename", f->filename);
    print_text(j, "url", f->url);
    print_text(j, "requires_python", f->requires_python);
    print_text(j, "yanked_reason", f->yanked ? f->yanked_reason : STR_NONE);
    print_text(j, "upload_time", f->upload_time);
    json_key(j, "broken");
    json_bool(j, f->has_broken_digest);
    json_key(j, "digests");
    json_list(j);
    for (size_t i = 0; i < f->n_digests; i++)
        print_digest(j, &f->digests[i]);
    json_list_end(j);
    json_key(j, "metadata"); /* null, [] or a digest */
    if (!f->has_metadata) {
        json_null(j);
    } else if (f->has_metadata_digest) {
        print_digest(j, &f->metadata_digest);
    } else {
        json_list(j);
        json_list_end(j);
    }
    json_map_end(j);
}

static void print_listing(const struct simple_listing *l, const struct err *e)
{
    struct buf out = { 0 };
    struct json *j = json_open(&out, false);

    json_map(j);
    json_key(j, "ok");
    json_bool(j, e->code == 0);
    print_text(j, "error", str_of(err_text(e)));
    print_text(j, "base", l->base);
    json_key(j, "files");
    json_list(j);
    for (size_t i = 0; !e->code && i < l->n; i++)
        print_file(j, &l->files[i]);
    json_list_end(j);
    json_map_end(j);
    json_close(j);
    printf("%s\n", buf_z(&out));
    fflush(stdout);
    buf_done(&out);
}

static void answer(bool is_json, struct str content_type, struct str body)
{
    struct simple_listing listing = { .n = 0 };
    struct err e = { 0 };
    struct simple_parser *p =
        simple_parser_create(is_json ? SIMPLE_JSON : SIMPLE_HTML, content_type, &listing);

    /* In pieces of a size that changes from page to page. */
    size_t piece = 1 + body.n % 97;
    for (size_t at = 0; !e.code && at < body.n; at += piece) {
        struct str part = str_sub(body, at, at + piece);
        simple_parser_feed(p, part.p, part.n, &e);
    }
    if (!e.code)
        simple_parser_finish(p, &e);
    print_listing(&listing, &e);
    simple_parser_destroy(p);
    simple_listing_done(&listing);
    err_done(&e);
}

int main(void)
{
    char format[8];
    size_t type_bytes, body_bytes;

    while (scanf("%7s %zu %zu", format, &type_bytes, &body_bytes) == 3 && getchar() == '\n') {
        size_t n = type_bytes + body_bytes;
        char *bytes = mem_new(n + 1, 1);
        if (fread(bytes, 1, n, stdin) != n)
            return 1;
        answer(format[0] == 'j', (struct str){ bytes, type_bytes },
               (struct str){ bytes + type_bytes, body_bytes });
        free(bytes);
    }
    return 0;
}
