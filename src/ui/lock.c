#include "dray/ui/lock.h"

#include "dray/ui/lock_entry.h"
#include "dray/util/json.h"

/* -- requirements -- */

static int check_same(const struct lock_entries *l, const struct job_result *r, struct err *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].n != r->n_targets)
            return err_set(e, ERR_UNSUPPORTED,
                           "the targets do not all need %.*s %.*s, which a requirements file can't "
                           "say: use --format pylock, or lock one target at a time",
                           STR_ARG(l->items[i].view->project), STR_ARG(l->items[i].view->version));
    return 0;
}

static void add_hashes(const struct lock_entry *entry, const struct lock_options *o,
                       struct buf *out)
{
    char hex[DIGEST_HEX_SIZE];

    for (size_t i = 0; i < entry->view->n_files; i++) {
        const struct fetch_file *f = &entry->view->files[i];
        if (lock_tells(entry, f, o))
            buf_add_f(out, " \\\n    --hash=sha256:%s", digest_hex(lock_sha256(f), hex));
    }
}

static void add_line(const struct lock_entry *entry, const struct lock_options *o, struct buf *out)
{
    const struct fetch_view *v = entry->view;

    if (v->is_direct && v->n_files)
        buf_add_f(out, "%.*s @ %.*s", STR_ARG(v->project), STR_ARG(v->files[0].url));
    else
        buf_add_f(out, "%.*s==%.*s", STR_ARG(v->project), STR_ARG(v->version));
    if (!o->no_hashes)
        add_hashes(entry, o, out);
    buf_add_c(out, '\n');
    for (size_t i = 0; i < v->n_via; i++)
        buf_add_f(out, "%s%.*s", i ? ", " : "    # via ", STR_ARG(v->via[i]));
    if (v->n_via)
        buf_add_c(out, '\n');
}

int lock_requirements(const struct job_result *r, const struct lock_options *o, struct buf *out,
                      struct err *e)
{
    struct lock_entries l;

    lock_entries_init(&l, r);
    if (!check_same(&l, r, e) && !lock_check_hashes(&l, o, e)) {
        buf_add_z(out, "# Made by dray lock, for ");
        for (size_t i = 0; i < r->n_targets; i++)
            buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(r->targets[i].label));
        buf_add_c(out, '\n');
        for (size_t i = 0; i < l.n; i++)
            add_line(&l.items[i], o, out);
    }
    lock_entries_done(&l);
    return e->code;
}

/* -- JSON -- */

static void add_str(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

static void add_file(struct json *j, const struct fetch_file *f)
{
    const struct digest *sha256 = lock_sha256(f);
    char hex[DIGEST_HEX_SIZE];

    json_map(j);
    add_str(j, "filename", f->filename);
    add_str(j, "url", f->url);
    add_str(j, "sha256", sha256 ? str_of(digest_hex(sha256, hex)) : STR_NONE);
    json_key(j, "size");
    if (f->bytes == FETCH_BYTES_UNKNOWN)
        json_null(j);
    else
        json_int(j, (int64_t)f->bytes);
    add_str(j, "upload_time", f->upload_time);
    json_key(j, "chosen");
    json_bool(j, f->is_chosen);
    json_map_end(j);
}

static void add_package(struct json *j, const struct fetch_view *v, const struct lock_options *o)
{
    json_map(j);
    add_str(j, "name", v->project);
    add_str(j, "version", v->version);
    json_key(j, "requested");
    json_bool(j, !v->is_dependency);
    json_key(j, "via");
    json_list(j);
    for (size_t i = 0; i < v->n_via; i++)
        json_str(j, v->via[i]);
    json_list_end(j);
    json_key(j, "files");
    json_list(j);
    for (size_t i = 0; i < v->n_files; i++)
        if (v->files[i].is_chosen || !o->only_target)
            add_file(j, &v->files[i]);
    json_list_end(j);
    json_map_end(j);
}

void lock_json(const struct job_result *r, const struct lock_options *o, struct buf *out)
{
    struct json *j = json_open(out, true);
    struct lock_entries l;

    lock_entries_init(&l, r);
    json_map(j);
    json_key(j, "version");
    json_int(j, 1);
    json_key(j, "targets");
    json_list(j);
    for (size_t t = 0; t < r->n_targets; t++) {
        json_map(j);
        add_str(j, "target", r->targets[t].label);
        json_key(j, "packages");
        json_list(j);
        for (size_t i = 0; i < l.n; i++)
            for (size_t k = 0; k < l.items[i].n; k++)
                if (r->n_targets == 1 || str_eq(l.items[i].all[k]->target, r->targets[t].label))
                    add_package(j, l.items[i].all[k], o);
        json_list_end(j);
        json_map_end(j);
    }
    json_list_end(j);
    json_map_end(j);
    json_close(j);
    lock_entries_done(&l);
}
