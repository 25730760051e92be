#include "dray/ui/metadata_text.h"

#include <inttypes.h>

#include "dray/py/metadata.h"
#include "dray/ui/human.h"
#include "dray/ui/shown.h"
#include "dray/util/json.h"

static bool is_read(const struct fetch_view *v)
{
    return v->state == FETCH_DONE && v->metadata.p;
}

void metadata_text_plain(struct buf *out, const struct job_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        if (!is_read(v))
            continue;
        if (r->n > 1)
            buf_add_f(out, "%s==> %.*s <==\n", out->n ? "\n" : "", STR_ARG(v->filename));
        buf_add_str(out, v->metadata);
        if (!str_ends(v->metadata, STR("\n")))
            buf_add_c(out, '\n');
    }
}

static void add_str(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

static void add_metadata(struct json *j, struct str text)
{
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    json_key(j, "metadata");
    if (metadata_parse(&a, text, &m, &e))
        json_null(j); /* it was parsed before: only a bug of ours comes here */
    else
        metadata_json(&m, j);
    err_done(&e);
    arena_done(&a);
}

static void add_stats(struct json *j, const struct fetch_view *v)
{
    add_str(j, "rung", str_of(metadata_rung_name(v->rung)));
    json_key(j, "requests");
    json_int(j, (int64_t)v->metadata_requests);
    json_key(j, "bytes");
    json_int(j, (int64_t)v->metadata_bytes);
}

void metadata_text_json(struct buf *out, const struct job_result *r, bool with_stats)
{
    struct json *j = json_open(out, true);

    json_list(j);
    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        if (!is_read(v))
            continue;
        json_map(j);
        add_str(j, "requirement", v->label);
        add_str(j, "filename", v->filename);
        add_str(j, "url", v->url);
        add_metadata(j, v->metadata);
        if (with_stats)
            add_stats(j, v);
        json_map_end(j);
    }
    json_list_end(j);
    json_close(j);
}

static void add_line(struct buf *out, const char *name, unsigned requests, uint64_t bytes)
{
    buf_add_f(out, "%-8s  ", name);
    human_count(out, requests, "request");
    buf_add_z(out, ", ");
    human_bytes(out, bytes);
}

void metadata_text_stats(struct buf *out, const struct job_result *r)
{
    unsigned requests = 0;
    uint64_t bytes = 0;
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        if (!is_read(v))
            continue;
        add_line(out, metadata_rung_name(v->rung), v->metadata_requests, v->metadata_bytes);
        buf_add_z(out, "  ");
        shown_add(out, v->filename);
        buf_add_c(out, '\n');
        requests += v->metadata_requests;
        bytes += v->metadata_bytes;
        n++;
    }
    if (n < 2)
        return;
    add_line(out, "in all", requests, bytes);
    buf_add_f(out, " for %zu wheels; without the index's pages\n", n);
}
