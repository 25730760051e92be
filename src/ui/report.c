/* pip's documentation, "Installation Report". What pip calls the download_info is a PEP 610
 * direct URL, with the older "hash" beside "hashes" as pip still writes it. */
#include "dray/ui/report.h"

#include <stdio.h>

#include "dray/py/metadata.h"
#include "dray/util/file.h"
#include "dray/util/json.h"
#include "dray_config.h"

/* The schema demands the key, and its readers compare versions: so this is one by PEP 440, whose
 * local part says that it was not pip. */
#define PIP_VERSION DRAY_VERSION "+dray"

static void add_str(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

static void add_bool(struct json *j, const char *key, bool b)
{
    json_key(j, key);
    json_bool(j, b);
}

/* The one digest of this algorithm that was promised; NULL also when the user allows several,
 * since then which one the file has is unknown until it is here. */
static const struct digest *promised(const struct fetch_view *v, enum digest_alg alg)
{
    const struct digest *found = NULL;

    for (size_t i = 0; i < v->n_digests; i++) {
        if (v->digests[i].alg != alg)
            continue;
        if (found && !digest_eq(found, &v->digests[i]))
            return NULL;
        found = &v->digests[i];
    }
    return found;
}

/* Fills `out` with what is known of the file, the first being the one for "hash". A file that is
 * here has its sha256; one of a dry run has the promises of its index. */
static size_t digests_of(const struct fetch_view *v, const struct digest *out[DIGEST_COUNT])
{
    size_t n = 0;

    if (v->path.p && !v->built) { /* else it is not that of what the URL names */
        out[n++] = &v->sha256;
        return n;
    }
    if (promised(v, DIGEST_SHA256))
        out[n++] = promised(v, DIGEST_SHA256);
    for (unsigned alg = 0; alg < DIGEST_COUNT; alg++)
        if (alg != DIGEST_SHA256 && promised(v, (enum digest_alg)alg))
            out[n++] = promised(v, (enum digest_alg)alg);
    return n;
}

static void add_archive_info(struct json *j, const struct fetch_view *v)
{
    const struct digest *digests[DIGEST_COUNT];
    size_t n = digests_of(v, digests);
    char hex[DIGEST_HEX_SIZE], legacy[DIGEST_HEX_SIZE + 16];

    json_key(j, "archive_info");
    json_map(j);
    if (n) {
        snprintf(legacy, sizeof(legacy), "%s=%s", digest_name(digests[0]->alg),
                 digest_hex(digests[0], hex));
        add_str(j, "hash", str_of(legacy));
        json_key(j, "hashes");
        json_map(j);
        for (size_t i = 0; i < n; i++)
            add_str(j, digest_name(digests[i]->alg), str_of(digest_hex(digests[i], hex)));
        json_map_end(j);
    }
    json_map_end(j);
}

static void add_own(struct json *j, const struct fetch_view *v)
{
    uint64_t size = v->body_bytes != FETCH_BYTES_UNKNOWN ? v->body_bytes : v->got_bytes;
    bool known = v->body_bytes != FETCH_BYTES_UNKNOWN || v->got_bytes;

    json_key(j, "dray");
    json_map(j);
    add_str(j, "path", v->path);
    if (v->target.p)
        add_str(j, "target", v->target);
    add_str(j, "filename", v->filename);
    json_key(j, "size");
    if (known)
        json_int(j, (int64_t)size);
    else
        json_null(j);
    add_str(j, "origin", str_of(fetch_origin_name(v->origin)));
    add_str(j, "state", str_of(fetch_state_name(v->state)));
    json_map_end(j);
}

/* All of it where the wheel could be read; of a source distribution, what its name tells. */
static void add_metadata(struct json *j, const struct fetch_view *v)
{
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    json_key(j, "metadata");
    if (v->metadata.p && !metadata_parse(&a, v->metadata, &m, &e)) {
        metadata_json(&m, j);
    } else {
        json_map(j);
        add_str(j, "name", v->project);
        add_str(j, "version", v->version);
        json_map_end(j);
    }
    err_done(&e);
    arena_done(&a);
}

static void add_item(struct json *j, const struct fetch_view *v)
{
    json_map(j);
    json_key(j, "download_info");
    json_map(j);
    add_str(j, "url", v->url);
    add_archive_info(j, v);
    json_map_end(j);
    add_bool(j, "is_direct", v->is_direct);
    add_bool(j, "is_yanked", v->yanked_reason.p != NULL);
    add_bool(j, "requested", !v->is_dependency);
    if (v->n_extras) {
        json_key(j, "requested_extras");
        json_list(j);
        for (size_t i = 0; i < v->n_extras; i++)
            json_str(j, v->extras[i]);
        json_list_end(j);
    }
    add_metadata(j, v);
    add_own(j, v);
    json_map_end(j);
}

static void add_environment(struct json *j, const struct marker_env *env)
{
    json_key(j, "environment");
    json_map(j);
    if (env) {
#define REPORT_VARIABLE(field, name) add_str(j, name, env->field);
        MARKER_VARIABLES(REPORT_VARIABLE)
#undef REPORT_VARIABLE
    }
    json_map_end(j);
}

static void add_failed(struct json *j, const struct job_result *r)
{
    json_key(j, "failed");
    json_list(j);
    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        if (v->state != FETCH_FAILED)
            continue;
        json_map(j);
        add_str(j, "requirement", v->label);
        add_str(j, "code", str_of(err_name(v->err.code)));
        add_str(j, "message", str_of(err_text(&v->err)));
        json_map_end(j);
    }
    json_list_end(j);
}

static void report_build(struct buf *out, const struct settings *s, const struct job_result *r)
{
    struct json *j = json_open(out, true);

    json_map(j);
    add_str(j, "version", STR("1"));
    add_str(j, "pip_version", STR(PIP_VERSION));
    json_key(j, "install");
    json_list(j);
    for (size_t i = 0; i < r->n; i++)
        if (r->fetches[i]->state == FETCH_DONE)
            add_item(j, r->fetches[i]);
    json_list_end(j);
    add_environment(j, r->env);
    json_key(j, "dray");
    json_map(j);
    add_str(j, "version", STR(DRAY_VERSION));
    add_bool(j, "dry_run", s->dry_run);
    add_failed(j, r);
    json_map_end(j);
    json_map_end(j);
    json_close(j);
}

int report_write(const char *path, const struct settings *s, const struct job_result *r,
                 struct err *e)
{
    struct buf text = { 0 };
    int code = 0;

    report_build(&text, s, r);
    if (!str_is(str_of(path), "-"))
        code = file_write(path, buf_str(&text), e);
    else if (fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
        code = err_errno(e, "can't write the report to standard output");
    if (code && !str_is(str_of(path), "-"))
        code = err_wrap(e, "the report");
    buf_done(&text);
    return code;
}
