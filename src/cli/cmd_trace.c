/* dray trace: where the time of a run went, from the file that its --trace wrote. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "dray/cli/command.h"
#include "dray/ui/analysis_json.h"
#include "dray/ui/analysis_text.h"
#include "dray/ui/timeline.h"
#include "dray/util/file.h"
#include "dray_config.h"

struct trace_wish {
    const char *file, *svg; /* of argv; svg may be NULL */
    bool json, help, version;
};

static const struct option longs[] = {
    { "svg", required_argument, NULL, 's' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    fputs(
        "Usage: dray trace [--svg FILE] [--json] FILE\n\n"
        "Says where the time of a run went: how much of it was waited for listings, metadata,\n"
        "bodies, hashing and placing, what was there already, which requirements were slowest,\n"
        "and which chain of waits ended last. FILE is what --trace of that run wrote; \"-\" is\n"
        "standard input.\n\nOptions:\n"
        "      --svg FILE                  draw it too: a row for each requirement, a colour for\n"
        "                                  each state; \"-\" is standard output, in place of the "
        "text\n"
        "      --json                      say the same as JSON\n"
        "  -h, --help                      show this text\n"
        "  -V, --version                   show the version\n",
        stdout);
}

static int trace_wish_check(const struct trace_wish *w, int arguments, struct err *e)
{
    if (w->help || w->version)
        return 0;
    if (arguments == 0)
        return err_set(e, ERR_USAGE, "no trace is named; expected the FILE that --trace wrote");
    if (arguments > 1)
        return err_set(e, ERR_USAGE, "%d files are named, expected one trace", arguments);
    if (w->json && w->svg && str_is(str_of(w->svg), "-"))
        return err_set(e, ERR_USAGE, "--svg - and --json both write to standard output");
    return 0;
}

static int trace_wish_parse(struct trace_wish *w, int argc, char **argv, struct err *e)
{
    int got, code = 0;

    opterr = 0;
    while (!code && (got = getopt_long(argc, argv, ":hV", longs, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (got == 's')
            w->svg = optarg;
        else if (got == 'j')
            w->json = true;
        else if (got == 'h')
            w->help = true;
        else if (got == 'V')
            w->version = true;
        else if (got == ':')
            code = err_set(e, ERR_USAGE, "%s needs a value", word);
        else
            code = err_set(e, ERR_USAGE, "unknown option %s; --help lists them", word);
    }
    w->file = argv[optind];
    return code ? code : trace_wish_check(w, argc - optind, e);
}

/* The picture first: who asked for a file has it even if standard output is a closed pipe. */
static int print_analysis(const struct trace_wish *w, const struct analysis *a, struct err *e)
{
    struct buf out = { 0 };
    bool svg_is_output = w->svg && str_is(str_of(w->svg), "-");
    int code = 0;

    if (w->svg) {
        timeline_add(&out, a);
        if (!svg_is_output)
            code = file_write(w->svg, buf_str(&out), e);
    }
    if (!svg_is_output) {
        buf_reset(&out);
        if (w->json)
            analysis_json_add(&out, a);
        else
            analysis_text_add(&out, a);
    }
    if (!code)
        fwrite(buf_z(&out), 1, out.n, stdout);
    buf_done(&out);
    return code;
}

static int run_trace(const struct trace_wish *w, struct err *e)
{
    struct trace_file t = { .n = 0 };
    struct analysis a = { .trace = NULL };
    int code = trace_file_read(w->file, &t, e);

    if (!code) {
        analysis_init(&a, &t);
        code = print_analysis(w, &a, e);
    }
    analysis_done(&a);
    trace_file_done(&t);
    return code;
}

int cmd_trace(int argc, char **argv)
{
    struct trace_wish w = { .file = NULL };
    struct err e = { 0 };
    int code = trace_wish_parse(&w, argc, argv, &e);

    if (!code && w.help)
        print_help();
    else if (!code && w.version)
        puts("dray " DRAY_VERSION);
    else if (!code)
        code = run_trace(&w, &e);
    if (code)
        fprintf(stderr, "error: %s\n", err_text(&e));
    err_done(&e);
    return code == ERR_USAGE ? EXIT_USAGE : code ? EXIT_FAILED : EXIT_DONE;
}
