/* PEP 751. Strings are basic TOML strings; markers name what tells the targets apart. */
#include <inttypes.h>

#include "dray/py/marker.h"
#include "dray/ui/lock_entry.h"

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_c(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_add_f(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_add_f(out, "\\u%04X", c);
        else
            buf_add_c(out, (char)c);
    }
    buf_add_c(out, '"');
}

static void add_pair(struct buf *out, const char *key, struct str value)
{
    buf_add_f(out, "%s = ", key);
    add_quoted(out, value);
}

static void add_key(struct buf *out, const char *key, struct str value)
{
    if (!value.p)
        return;
    add_pair(out, key, value);
    buf_add_c(out, '\n');
}

/* Values with a quote in them are no environment's. */
static void add_condition(struct buf *out, const char *variable, struct str value)
{
    if (!value.n || str_find(value, '\'') >= 0)
        return;
    if (out->n && !str_ends(buf_str(out), STR("(")))
        buf_add_z(out, " and ");
    buf_add_f(out, "%s == '%.*s'", variable, STR_ARG(value));
}

/* What a marker can tell of a target; a libc it can't. */
static void add_marker(struct buf *out, const struct marker_env *env)
{
    add_condition(out, "python_version", env->python_version);
    add_condition(out, "sys_platform", env->sys_platform);
    add_condition(out, "platform_machine", env->platform_machine);
    add_condition(out, "implementation_name", env->implementation_name);
}

static bool has_target(const struct lock_entry *entry, const struct job_target *t)
{
    for (size_t i = 0; i < entry->n; i++)
        if (str_eq(entry->all[i]->target, t->label))
            return true;
    return false;
}

/* Only where some target does without it. */
static void add_package_marker(struct buf *out, const struct lock_entry *entry,
                               const struct job_result *r)
{
    struct buf marker = { 0 }, one = { 0 };

    for (size_t i = 0; i < r->n_targets && entry->n < r->n_targets; i++) {
        if (!has_target(entry, &r->targets[i]))
            continue;
        buf_reset(&one);
        add_marker(&one, r->targets[i].env);
        if (str_search(buf_str(&marker), buf_str(&one)) >= 0)
            continue; /* two targets that only differ in their libc */
        buf_add_f(&marker, "%s%s%s%s", marker.n ? " or " : "", entry->n > 1 ? "(" : "", buf_z(&one),
                  entry->n > 1 ? ")" : "");
    }
    if (marker.n)
        add_key(out, "marker", buf_str(&marker));
    buf_done(&marker);
    buf_done(&one);
}

/* Name, URL, time, size, hashes: the same in a table of its own and in a line. */
static void add_file(struct buf *out, const struct fetch_file *f, const char *between)
{
    const struct digest *sha256 = lock_sha256(f);
    char hex[DIGEST_HEX_SIZE];
    bool is_path = str_starts(f->url, STR("file://"));

    if (is_path)
        add_pair(out, "path", str_sub(f->url, 7, f->url.n));
    else
        add_pair(out, "url", f->url);
    if (f->upload_time.n)
        buf_add_f(out, "%supload-time = %.*s", between, STR_ARG(f->upload_time));
    if (f->bytes != FETCH_BYTES_UNKNOWN)
        buf_add_f(out, "%ssize = %" PRIu64, between, f->bytes);
    buf_add_f(out, "%shashes = {", between);
    if (sha256)
        buf_add_f(out, "sha256 = \"%s\"", digest_hex(sha256, hex));
    buf_add_z(out, "}");
}

static void add_wheels(struct buf *out, const struct lock_entry *entry,
                       const struct lock_options *o)
{
    size_t n = 0;

    for (size_t i = 0; i < entry->view->n_files; i++) {
        const struct fetch_file *f = &entry->view->files[i];
        if (!f->is_wheel || !lock_tells(entry, f, o))
            continue;
        buf_add_z(out, n++ ? "    { " : "wheels = [\n    { ");
        add_pair(out, "name", f->filename);
        buf_add_z(out, ", ");
        add_file(out, f, ", ");
        buf_add_z(out, " },\n");
    }
    buf_add_z(out, n ? "]\n" : "");
}

static void add_sdist(struct buf *out, const struct lock_entry *entry, const struct lock_options *o)
{
    for (size_t i = 0; i < entry->view->n_files; i++) {
        const struct fetch_file *f = &entry->view->files[i];
        if (f->is_wheel || !lock_tells(entry, f, o))
            continue;
        buf_add_z(out, "sdist = { ");
        add_pair(out, "name", f->filename);
        buf_add_z(out, ", ");
        add_file(out, f, ", ");
        buf_add_z(out, " }\n");
        return; /* PEP 751 has room for one */
    }
}

static void add_package(struct buf *out, const struct lock_entry *entry, const struct job_result *r,
                        const struct lock_options *o)
{
    const struct fetch_view *v = entry->view;

    buf_add_z(out, "\n[[packages]]\n");
    add_key(out, "name", v->project);
    if (!v->is_direct)
        add_key(out, "version", v->version);
    add_package_marker(out, entry, r);
    if (v->n_files && !v->is_direct && v->files[0].requires_python.n)
        add_key(out, "requires-python", v->files[0].requires_python);
    if (v->is_direct && v->n_files) {
        buf_add_z(out, "archive = { ");
        add_file(out, &v->files[0], ", ");
        buf_add_z(out, " }\n");
    } else {
        add_sdist(out, entry, o);
        add_wheels(out, entry, o);
    }
}

int lock_pylock(const struct job_result *r, const struct lock_options *o, struct buf *out,
                struct err *e)
{
    struct buf marker = { 0 };
    struct lock_entries l;

    lock_entries_init(&l, r);
    if (!lock_check_hashes(&l, &(struct lock_options){ .only_target = o->only_target }, e)) {
        buf_add_z(out, "lock-version = \"1.0\"\n");
        buf_add_z(out, "environments = [\n");
        for (size_t i = 0; i < r->n_targets; i++) {
            buf_reset(&marker);
            add_marker(&marker, r->targets[i].env);
            buf_add_z(out, "    ");
            add_quoted(out, buf_str(&marker));
            buf_add_z(out, ",\n");
        }
        buf_add_z(out, "]\ncreated-by = \"dray\"\n");
        for (size_t i = 0; i < l.n; i++)
            add_package(out, &l.items[i], r, o);
    }
    buf_done(&marker);
    lock_entries_done(&l);
    return e->code;
}
