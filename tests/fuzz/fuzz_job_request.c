/* A job as it is submitted: by its first byte JSON or YAML, and by the daemon's own user or by
 * somebody else. What is taken runs nothing and reads no file for others; who is not its own user
 * gets no more than its own user does. */
#include <stdlib.h>
#include <unistd.h>

#include "dray/daemon/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int base(void *ctx, enum settings_command command, struct settings *out, struct err *e)
{
    (void)ctx;
    out->command = command;
    return settings_set(out, settings_find(STR("cache-dir")), STR("/cache"), "dray.yaml", e);
}

static void check_taken(const struct settings *s, bool own)
{
    if (s->command != COMMAND_DOWNLOAD && !(s->command == COMMAND_WHEEL && own))
        abort();
    if (!s->dest.n || !s->no_input || s->no_local_files == own ||
        ((s->python.n || s->target_files.n) && !own))
        abort();
    if (!str_is(s->cache_dir, "/cache") || s->proxy.n || s->cert.n)
        abort(); /* the daemon's own */
}

static int apply(struct str text, bool is_json, uint32_t uid)
{
    struct terms t = { .base = base };
    const struct terms_job job = { .text = text, .is_json = is_json, .uid = uid };
    struct settings s;
    struct buf name = { 0 };
    struct err e = { 0 };

    settings_init(&s);
    if (terms_read(&t, &e))
        abort();
    int code = terms_apply(&t, &job, &name, &s, &e);
    if (code != e.code || (code && !err_text(&e)[0]))
        abort();
    if (!code)
        check_taken(&s, uid == geteuid());
    settings_done(&s);
    terms_done(&t);
    buf_done(&name);
    err_done(&e);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct str text = { (const char *)data + 1, size - 1 };
    bool is_json = data[0] == 'j';

    int own = apply(text, is_json, (uint32_t)geteuid());
    int other = apply(text, is_json, TERMS_UID_REMOTE);
    if (own && !other)
        abort();
    return 0;
}
