/* Words as Python's shlex.split() makes them, options as its optparse reads them, since pip's files
 * are read by these two: a unique beginning of a long name will do, "-ifoo" and "-i foo" are the
 * same, "--" ends the options, and what is no option behind the first one is passed over in
 * silence. */
#include "dray/job/reqfile_split.h"

#include <stdlib.h>

#include "dray/job/settings.h"
#include "dray/util/mem.h"

/* Options of lines that are no settings; the commonest first. */
static const struct known {
    const char *name;
    char letter;
    bool takes_value;
} own_options[] = {
    { "hash", 0, true },         { "editable", 'e', true }, { "config-settings", 'C', true },
    { "all-releases", 0, true }, { "only-final", 0, true }, { "use-feature", 0, true },
};

enum { OWN_OPTIONS = sizeof(own_options) / sizeof(own_options[0]) };

void reqfile_parts_done(struct reqfile_parts *p)
{
    free(p->options);
    *p = (struct reqfile_parts){ 0 };
}

static struct known known_setting(const struct setting *w)
{
    return (struct known){ w->name, w->letter,
                           w->kind != SETTING_FLAG && w->kind != SETTING_COUNT_UP };
}

/* Does `typed` name `name`, wholly or as a beginning? Remembers it; `n` counts the beginnings. */
struct match {
    struct str typed;
    struct known found;
    bool exact;
    unsigned n;
};

static void match_try(struct match *m, const char *name, struct known what)
{
    if (m->exact || !str_starts(str_of(name), m->typed))
        return;
    m->exact = strlen(name) == m->typed.n;
    m->found = what;
    m->n++;
}

/* optparse counts another spelling of the same option as one more, so we do. */
static struct match match_name(struct str typed)
{
    struct match m = { .typed = typed };

    for (size_t i = 0; i < OWN_OPTIONS && !m.exact; i++)
        match_try(&m, own_options[i].name, own_options[i]);
    for (const struct setting *w = settings_table; w->name && !m.exact; w++)
        if (w->where & SETTING_IN_REQFILE)
            match_try(&m, w->name, known_setting(w));
    for (const struct setting_alias *a = settings_aliases; a->name && !m.exact; a++)
        if (settings_find(str_of(a->of))->where & SETTING_IN_REQFILE)
            match_try(&m, a->name, known_setting(settings_find(str_of(a->of))));
    return m;
}

static bool match_letter(char letter, struct known *out)
{
    const struct setting *w = settings_find_letter(letter);

    for (size_t i = 0; i < OWN_OPTIONS; i++)
        if (own_options[i].letter && own_options[i].letter == letter) {
            *out = own_options[i];
            return true;
        }
    if (!w || !(w->where & SETTING_IN_REQFILE))
        return false;
    *out = known_setting(w);
    return true;
}

/* A word and where it begins in the line. */
struct word {
    struct str text;
    size_t at;
};

struct words {
    const struct reqfile_reader *reader;
    struct arena *arena;
    struct word *items;
    size_t n, cap;
    size_t next; /* to be read */
    struct reqfile_parts *parts;
};

static bool word_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n'; /* shlex knows no others */
}

/* What stands between quotes; *at is behind the opening one and goes behind the closing one. In
 * double quotes a backslash escapes these and itself, and stays before all else. */
static bool take_quoted(struct str s, size_t *at, char quote, struct buf *out)
{
    while (*at < s.n && s.p[*at] != quote) {
        char c = s.p[(*at)++];
        if (c == '\\' && quote == '"') {
            if (*at == s.n)
                return false;
            char next = s.p[(*at)++];
            if (next != '"' && next != '\\')
                buf_add_c(out, c);
            c = next;
        }
        buf_add_c(out, c);
    }
    if (*at == s.n)
        return false;
    (*at)++;
    return true;
}

/* One word from `at`, which is not blank; 0 or ERR_INPUT. */
static int take_word(const struct words *w, struct str s, size_t *at, struct buf *out,
                     struct err *e)
{
    while (*at < s.n && !word_blank(s.p[*at])) {
        size_t start = *at;
        char c = s.p[(*at)++];
        if (c == '\'' || c == '"') {
            if (!take_quoted(s, at, c, out))
                return reqfile_reader_refuse(w->reader, start, e, "the quote %c is not closed", c);
        } else if (c == '\\') {
            if (*at == s.n)
                return reqfile_reader_refuse(w->reader, start, e,
                                             "expected a character behind the \\");
            buf_add_c(out, s.p[(*at)++]);
        } else {
            buf_add_c(out, c);
        }
    }
    return 0;
}

static int split_words(struct words *w, size_t at, struct err *e)
{
    struct str s = w->reader->text;
    struct buf text = { 0 };
    int code = 0;

    while (!code) {
        while (at < s.n && word_blank(s.p[at]))
            at++;
        if (at == s.n)
            break;
        buf_reset(&text);
        struct word word = { .at = at };
        code = take_word(w, s, &at, &text, e);
        word.text = arena_str(w->arena, buf_str(&text));
        w->items = mem_grow(w->items, w->n, &w->cap, sizeof(*w->items));
        w->items[w->n++] = word;
    }
    buf_done(&text);
    return code;
}

static void add_option(struct words *w, struct known what, struct str value, size_t at)
{
    struct reqfile_parts *p = w->parts;

    p->options = mem_grow(p->options, p->n_options, &p->options_cap, sizeof(*p->options));
    p->options[p->n_options++] = (struct reqfile_option){ what.name, value, at };
}

static int refuse_name(const struct words *w, struct str name, size_t at, struct err *e)
{
    const char *near = settings_suggest(name);
    const struct setting *known = settings_find(name);

    if (known)
        return reqfile_reader_refuse(w->reader, at, e, "--%s can't be said in a requirements file",
                                     known->name);
    if (near && (settings_find(str_of(near))->where & SETTING_IN_REQFILE))
        return reqfile_reader_refuse(w->reader, at, e, "unknown option --%.*s; did you mean --%s?",
                                     STR_ARG(name), near);
    return reqfile_reader_refuse(w->reader, at, e, "unknown option --%.*s", STR_ARG(name));
}

static int read_long(struct words *w, struct word word, struct err *e)
{
    struct str value, name = str_cut(str_sub(word.text, 2, word.text.n), '=', &value);
    struct match m = match_name(name);

    if (!m.n)
        return refuse_name(w, name, word.at, e);
    if (m.n > 1 && !m.exact)
        return reqfile_reader_refuse(w->reader, word.at, e,
                                     "--%.*s is the beginning of several options; write it out",
                                     STR_ARG(name));
    if (!m.found.takes_value && value.p)
        return reqfile_reader_refuse(w->reader, word.at, e, "--%s takes no value", m.found.name);
    if (m.found.takes_value && !value.p) {
        if (w->next == w->n)
            return reqfile_reader_refuse(w->reader, word.at, e, "expected a value behind --%s",
                                         m.found.name);
        value = w->items[w->next++].text;
    }
    add_option(w, m.found, value, word.at);
    return 0;
}

static int read_short(struct words *w, struct word word, struct err *e)
{
    for (size_t i = 1; i < word.text.n; i++) {
        struct known known;
        struct str value = str_sub(word.text, i + 1, word.text.n);
        if (!match_letter(word.text.p[i], &known))
            return reqfile_reader_refuse(w->reader, word.at, e, "unknown option -%c",
                                         word.text.p[i]);
        if (!known.takes_value) {
            add_option(w, known, STR_NONE, word.at);
            continue;
        }
        if (!value.n && w->next == w->n)
            return reqfile_reader_refuse(w->reader, word.at, e, "expected a value behind -%c",
                                         known.letter);
        add_option(w, known, value.n ? value : w->items[w->next++].text, word.at);
        break;
    }
    return 0;
}

static int read_options(struct words *w, struct err *e)
{
    int code = 0;

    while (w->next < w->n && !code) {
        struct word word = w->items[w->next++];
        if (str_is(word.text, "--"))
            break;
        if (str_starts(word.text, STR("--")))
            code = read_long(w, word, e);
        else if (word.text.n > 1 && word.text.p[0] == '-')
            code = read_short(w, word, e);
    }
    return code;
}

/* The options begin at the first "-" that begins the line or stands behind a blank, a " " and
 * nothing else. */
static size_t options_begin(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '-' && (i == 0 || s.p[i - 1] == ' '))
            return i;
    return s.n;
}

int reqfile_split(const struct reqfile_reader *r, struct arena *a, struct reqfile_parts *out,
                  struct err *e)
{
    size_t at = options_begin(r->text);
    struct words w = { .reader = r, .arena = a, .parts = out };

    /* The blank before the options is the one that separates them. */
    out->text = str_sub(r->text, 0, at > 0 && at < r->text.n ? at - 1 : at);
    out->has_text = out->text.n > 0;
    out->n_options = 0;
    int code = at < r->text.n ? split_words(&w, at, e) : 0;
    if (!code)
        code = read_options(&w, e);
    free(w.items);
    return code;
}
