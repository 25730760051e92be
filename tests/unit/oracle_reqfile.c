/* Reads requirements files from standard input, each as its length, a newline and the bytes, and
 * prints one line of JSON for each: {"items": [...]} or {"error": TEXT}. Variables come from the
 * environment. */
#include <stdio.h>
#include <stdlib.h>

#include "dray/job/reqfile.h"
#include "dray/util/buf.h"
#include "dray/util/json.h"
#include "dray/util/limits.h"

static const char *env_get(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void write_item(struct json *j, const struct reqfile_item *item)
{
    static const char *const kinds[] = { "requirement", "editable", "option" };
    char hex[DIGEST_HEX_SIZE];

    json_map(j);
    json_key(j, "kind");
    json_str(j, str_of(kinds[item->kind]));
    json_key(j, "line");
    json_int(j, (int64_t)item->line);
    json_key(j, "text");
    json_str(j, item->text);
    json_key(j, "value");
    json_str(j, item->value);
    json_key(j, "hashes");
    json_list(j);
    for (size_t i = 0; i < item->n_hashes; i++) {
        json_list(j);
        json_str(j, str_of(digest_name(item->hashes[i].alg)));
        json_str(j, str_of(digest_hex(&item->hashes[i], hex)));
        json_list_end(j);
    }
    json_list_end(j);
    json_map_end(j);
}

static void answer(struct str file)
{
    struct reqfile f = { 0 };
    struct err e = { 0 };
    struct buf out = { 0 };
    struct json *j = json_open(&out, false);

    int code = reqfile_parse(file, "reqs.txt", env_get, NULL, &f, &e);
    json_map(j);
    json_key(j, code ? "error" : "items");
    if (code) {
        json_str(j, str_of(err_text(&e)));
    } else {
        json_list(j);
        for (size_t i = 0; i < f.n; i++)
            write_item(j, &f.items[i]);
        json_list_end(j);
    }
    json_map_end(j);
    json_close(j);
    puts(buf_z(&out));
    buf_done(&out);
    reqfile_done(&f);
    err_done(&e);
}

int main(void)
{
    char line[32];
    uint64_t n;

    while (fgets(line, sizeof(line), stdin)) {
        struct buf file = { 0 };
        if (!str_to_u64(str_trim(str_of(line)), LIMIT_REQFILE_BYTES, &n))
            return 2;
        for (; n > 0; n--)
            buf_add_c(&file, (char)getchar());
        answer(buf_str(&file));
        buf_done(&file);
    }
    return 0;
}
