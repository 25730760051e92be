/* dray metadata: what wheels say of themselves, without their bodies. */
#include <stdio.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/ui/metadata_text.h"
#include "dray/ui/shown.h"

static int check_wish(const struct settings *s, struct err *e)
{
    if (!settings_has_wish(s))
        return err_set(e, ERR_USAGE,
                       "nothing to read: name a wheel's URL or path, a requirement, or -r FILE");
    return 0;
}

/* To a program every byte as it is; a terminal would do what strangers' bytes say. */
static void print_text(const struct buf *text)
{
    struct buf shown = { 0 };
    bool to_terminal = isatty(STDOUT_FILENO);

    if (to_terminal)
        shown_add_text(&shown, buf_str(text));
    const struct buf *out = to_terminal ? &shown : text;
    if (out->n)
        fwrite(out->p, 1, out->n, stdout);
    buf_done(&shown);
}

static void print(const struct settings *s, const struct job_result *r, struct err *e)
{
    struct buf out = { 0 };

    (void)e;
    if (s->json)
        metadata_text_json(&out, r, s->stats);
    else
        metadata_text_plain(&out, r);
    print_text(&out);
    if (s->stats && !s->json) {
        buf_reset(&out);
        metadata_text_stats(&out, r);
        fputs(buf_z(&out), stderr);
    }
    buf_done(&out);
}

const struct front front_metadata = {
    .command = COMMAND_METADATA,
    .usage =
        "Usage: dray metadata [OPTIONS] URL|FILE|REQUIREMENT...\n\n"
        "Prints the core metadata of wheels as it stands in them, and reads as little of each\n"
        "as can be: what the index serves beside it, or its last KiB. Several are told apart\n"
        "by lines \"==> FILE <==\".\n",
    .check = check_wish,
    .print = print
};

int cmd_metadata(int argc, char **argv)
{
    return front_run(&front_metadata, argc, argv);
}
