/* Token by token, with the same ideas about where a comment ends as Lib/netrc.py: its lexer takes
 * the one blank behind a token along, and counts lines by the newlines that tokens took, so whether
 * "#" swallows the rest of its line depends on that count. */
#include "dray/net/netrc.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "dray/util/file.h"
#include "dray/util/limits.h"

enum { END = -1 };
enum line { LINE_NONE, LINE_EMPTY, LINE_TEXT };

struct reader {
    struct netrc *out;
    struct str text;
    size_t at, line;
    size_t token_line; /* in which the token began */
    struct buf token;
    bool pushed; /* the token is to be read once more */
};

struct machine {
    struct str login, account, password;
};

/* Universal newlines: CRLF and CR are LF. */
static int read_raw(struct reader *r)
{
    if (r->at == r->text.n)
        return END;
    char c = r->text.p[r->at++];
    if (c != '\r')
        return (unsigned char)c;
    if (r->at < r->text.n && r->text.p[r->at] == '\n')
        r->at++;
    return '\n';
}

static int read_char(struct reader *r)
{
    int c = read_raw(r);

    r->line += c == '\n';
    return c;
}

/* What is left of the line; it does not count as one. */
static enum line skip_line(struct reader *r)
{
    int first = read_raw(r), c = first;

    while (c != END && c != '\n')
        c = read_raw(r);
    return first == END ? LINE_NONE : first == '\n' ? LINE_EMPTY : LINE_TEXT;
}

static bool is_blank(int c)
{
    return c == '\n' || c == '\t' || c == ' ';
}

static void add(struct reader *r, int c)
{
    if (c != END)
        buf_add_c(&r->token, (char)c);
}

/* Up to the quote, or to a blank. */
static void read_rest(struct reader *r, bool quoted)
{
    int c;

    while ((c = read_char(r)) != END) {
        if (quoted ? c == '"' : is_blank(c))
            return;
        add(r, c == '\\' ? read_char(r) : c);
    }
}

/* Into r->token; empty at the end, and for "", which Python takes for the end too. */
static struct str next_token(struct reader *r)
{
    int c;

    if (r->pushed) {
        r->pushed = false;
        return buf_str(&r->token);
    }
    buf_reset(&r->token);
    while (is_blank(c = read_char(r)))
        continue;
    r->token_line = r->line;
    if (c != '"')
        add(r, c == '\\' ? read_char(r) : c);
    if (c != END)
        read_rest(r, c == '"');
    return buf_str(&r->token);
}

static int refuse(const struct reader *r, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT, "line %zu: %s", r->token_line, why);
}

/* Up to an empty line. */
static int skip_macro(struct reader *r, struct err *e)
{
    enum line line;

    next_token(r); /* its name */
    while ((line = skip_line(r)) != LINE_EMPTY)
        if (line == LINE_NONE)
            return refuse(r, "a macro is not ended by an empty line", e);
    return 0;
}

static struct str keep_token(struct reader *r)
{
    return arena_str(&r->out->arena, next_token(r));
}

static bool ends_machine(struct str token)
{
    return token.n == 0 || str_is(token, "machine") || str_is(token, "default") ||
           str_is(token, "macdef");
}

static int read_machine(struct reader *r, struct str name, struct err *e)
{
    struct machine *m = arena_alloc(&r->out->arena, 1, sizeof(*m));

    m->login = m->account = m->password = STR("");
    for (;;) {
        size_t line = r->line;
        struct str token = next_token(r);
        if (str_starts(token, STR("#"))) {
            if (r->line == line)
                skip_line(r);
        } else if (ends_machine(token)) {
            r->pushed = true;
            map_put(&r->out->machines, name, m);
            return 0;
        } else if (str_is(token, "login") || str_is(token, "user")) {
            m->login = keep_token(r);
        } else if (str_is(token, "account")) {
            m->account = keep_token(r);
        } else if (str_is(token, "password")) {
            m->password = keep_token(r);
        } else {
            return refuse(r, "expected login, account or password", e);
        }
    }
}

/* What begins with a token that is none of a machine's. */
static int read_top(struct reader *r, struct str token, size_t line, struct err *e)
{
    if (token.p[0] == '#') {
        if (r->line == line && token.n == 1)
            skip_line(r);
        return 0;
    }
    if (str_is(token, "macdef"))
        return skip_macro(r, e);
    if (!str_is(token, "machine") && !str_is(token, "default"))
        return refuse(r, "expected machine, default or macdef", e);
    struct str name = str_is(token, "default") ? STR("default") : keep_token(r);
    if (name.n == 0)
        return refuse(r, "a machine has no name", e);
    return read_machine(r, name, e);
}

int netrc_parse(struct str text, struct netrc *out, struct err *e)
{
    struct netrc found = { 0 };
    struct reader r = { .out = &found, .text = text, .line = 1 };
    int code = 0;

    for (;;) {
        size_t line = r.line;
        struct str token = next_token(&r);
        if (token.n == 0)
            break;
        code = read_top(&r, token, line, e);
        if (code)
            break;
    }
    buf_done(&r.token);
    if (code)
        netrc_done(&found);
    *out = found;
    return code;
}

void netrc_done(struct netrc *n)
{
    if (!n)
        return;
    map_done(&n->machines);
    arena_done(&n->arena);
    *n = (struct netrc){ 0 };
}

bool netrc_find(const struct netrc *n, struct str host, struct netrc_login *out)
{
    const struct machine *m = map_get(&n->machines, host);

    if (!m)
        m = map_get(&n->machines, STR("default"));
    if (!m || !(m->login.n || m->account.n || m->password.n))
        return false;
    *out = (struct netrc_login){ m->login.n ? m->login : m->account, m->password };
    return true;
}

static bool is_there(const struct buf *path)
{
    struct stat st;

    return stat(buf_z(path), &st) == 0;
}

static void add_home(struct buf *out, const char *home, const char *name)
{
    buf_reset(out);
    buf_add_f(out, "%s/%s", home, name);
}

bool netrc_path(struct buf *out)
{
    const char *named = getenv("NETRC"), *home = getenv("HOME");
    struct str name = str_of(named);
    struct buf path = { 0 };
    bool found;

    if (named && str_starts(name, STR("~/")) && home)
        add_home(&path, home, named + 2);
    else if (named)
        buf_add_str(&path, name);
    else if (home && home[0])
        add_home(&path, home, ".netrc");
    found = path.n > 0 && is_there(&path);
    if (!found && !named && home && home[0]) {
        add_home(&path, home, "_netrc");
        found = is_there(&path);
    }
    if (found)
        buf_add_str(out, buf_str(&path));
    buf_done(&path);
    return found;
}

int netrc_load(const char *path, struct netrc *out, struct err *e)
{
    struct buf text = { 0 };
    struct stat st;
    int code = 0;

    *out = (struct netrc){ 0 };
    /* NETRC=/dev/null is how one says that there is none. */
    if (stat(path, &st) == 0 && S_ISCHR(st.st_mode))
        return 0;
    code = file_read(path, LIMIT_NETRC_BYTES, &text, e);
    if (!code && netrc_parse(buf_str(&text), out, e))
        code = err_wrap(e, "%s", path);
    buf_done(&text);
    return code;
}
