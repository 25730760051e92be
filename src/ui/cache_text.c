#include "dray/ui/cache_text.h"

#include <time.h>

#include "dray/ui/human.h"
#include "dray/ui/shown.h"
#include "dray/util/json.h"

static void add_size(struct buf *out, uint64_t n, const char *noun, uint64_t bytes)
{
    human_count(out, n, noun);
    buf_add_z(out, ", ");
    human_bytes(out, bytes);
    buf_add_c(out, '\n');
}

void cache_text_info(struct buf *out, const char *root, const struct store_info *info)
{
    uint64_t bytes = info->object_bytes + info->partial_bytes;

    buf_add_f(out, "%s\n", root);
    buf_add_z(out, "files      ");
    add_size(out, info->objects, "file", info->object_bytes);
    for (int k = 0; k < STORE_KIND_COUNT; k++) {
        bytes += info->record_bytes[k];
        buf_add_f(out, "%-10s ", store_kind_name((enum store_kind)k));
        add_size(out, info->records[k], "record", info->record_bytes[k]);
    }
    buf_add_z(out, "unfinished ");
    add_size(out, info->partials, "file", info->partial_bytes);
    buf_add_z(out, "in all     ");
    human_bytes(out, bytes);
    buf_add_z(out, " of at most ");
    human_bytes(out, info->max_bytes);
    buf_add_c(out, '\n');
}

static void add_int(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

void cache_text_info_json(struct buf *out, const char *root, const struct store_info *info)
{
    struct json *j = json_open(out, true);

    json_map(j);
    json_key(j, "root");
    json_str(j, str_of(root));
    if (info->max_bytes) {
        add_int(j, "max_bytes", info->max_bytes);
    } else {
        json_key(j, "max_bytes");
        json_null(j);
    }
    add_int(j, "files", info->objects);
    add_int(j, "file_bytes", info->object_bytes);
    add_int(j, "unfinished", info->partials);
    add_int(j, "unfinished_bytes", info->partial_bytes);
    for (int k = 0; k < STORE_KIND_COUNT; k++) {
        json_key(j, store_kind_name((enum store_kind)k));
        json_map(j);
        add_int(j, "records", info->records[k]);
        add_int(j, "bytes", info->record_bytes[k]);
        json_map_end(j);
    }
    json_map_end(j);
    json_close(j);
}

static void add_when(struct buf *out, int64_t when_s)
{
    char text[32];
    time_t when = (time_t)when_s;
    struct tm local;

    if (when_s > 0 && localtime_r(&when, &local) &&
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local))
        buf_add_z(out, text);
    else
        buf_add_z(out, "never           ");
}

static const char *kind_of(const struct store_item *item)
{
    return item->kind < 0 ? "file" : store_kind_name((enum store_kind)item->kind);
}

void cache_text_item(void *ctx, const struct store_item *item)
{
    struct buf *out = ctx;
    char hex[DIGEST_HEX_SIZE];
    size_t start;

    add_when(out, item->used_s);
    buf_add_f(out, "  %-8s  ", kind_of(item));
    start = out->n;
    human_bytes(out, item->bytes);
    buf_add_f(out, "%*s", out->n - start < 10 ? (int)(12 - (out->n - start)) : 2, "");
    if (item->label.n)
        shown_add(out, item->label);
    else if (item->kind < 0)
        buf_add_f(out, "sha256:%s", digest_hex(&item->sha256, hex));
    buf_add_c(out, '\n');
}

void cache_text_item_json(void *ctx, const struct store_item *item)
{
    struct json *j = ctx;
    char hex[DIGEST_HEX_SIZE];

    json_map(j);
    json_key(j, "kind");
    json_str(j, str_of(kind_of(item)));
    json_key(j, "label");
    json_str(j, item->label);
    add_int(j, "bytes", item->bytes);
    json_key(j, "used");
    json_int(j, item->used_s);
    if (item->kind < 0) {
        json_key(j, "sha256");
        json_str(j, str_of(digest_hex(&item->sha256, hex)));
        json_key(j, "verified");
        json_bool(j, item->verified);
    } else {
        json_key(j, "fresh_until");
        json_int(j, item->fresh_until_s);
    }
    json_map_end(j);
}

void cache_text_removed(struct buf *out, uint64_t objects, uint64_t bytes)
{
    buf_add_z(out, "Removed ");
    add_size(out, objects, "file", bytes);
}
