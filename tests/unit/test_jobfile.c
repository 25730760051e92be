/* A table: what the jobs of a file come to, as job_text() has it, or what is wrong with them; then
 * that a job and a command line can say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include "dray/cli/options.h"
#include "dray/job/inputs.h"
#include "dray/job/job_text.h"
#include "dray/job/job_value.h"
#include "dray/job/jobfile.h"

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    return str_is(str_of(name), "PASSWORD") ? "p$${USER}"
           : str_is(str_of(name), "LINES")  ? "a\nb"
           : str_is(str_of(name), "EMPTY")  ? ""
                                            : NULL;
}

/* For texts in which all is said: a variable stands for its own name. */
static const char *itself(void *ctx, const char *name)
{
    struct buf *out = ctx;

    buf_reset(out);
    buf_add_f(out, "${%s}", name);
    return buf_z(out);
}

/* The text of each job, a line each. */
static void show_jobs(const struct jobfile *f, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < f->n && !e->code; i++) {
        struct settings s;
        settings_init(&s);
        s.command = f->jobs[i].command;
        if (!jobfile_apply(&f->jobs[i], &s, e)) {
            buf_add_z(out, i ? "\n" : "");
            job_text(&s, f->jobs[i].name, SETTING_IN_JOB, out, e);
        }
        settings_done(&s);
    }
}

static int read_text(const struct jobfile_source *from, struct buf *out, struct err *e)
{
    struct jobfile f = { 0 };

    if (!jobfile_read(from, &f, e))
        show_jobs(&f, out, e);
    jobfile_done(&f);
    return e->code;
}

/* What was written is read as the same. */
static void check_again(struct case_line *c, struct str text)
{
    struct buf kept = { 0 };

    while (text.p) {
        struct jobfile_source from = { .text = str_cut(text, '\n', &text),
                                       .name = "again.json",
                                       .is_json = true,
                                       .variable = itself,
                                       .ctx = &kept };
        struct buf got = { 0 };
        struct err e = { 0 };
        if (read_text(&from, &got, &e))
            case_fail(c, "read again: %s", err_text(&e));
        else
            case_equal(c, buf_str(&got), from.text);
        buf_done(&got);
        err_done(&e);
    }
    buf_done(&kept);
}

static void check_read(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    bool bare = str_is(c->fields[0], "bare");
    struct jobfile_source from = { .text = c->fields[1],
                                   .name = "dir/f.yaml",
                                   .directory =
                                       str_is(c->fields[0], "dir") ? STR("/dir") : STR_NONE,
                                   .is_json = str_is(c->fields[0], "json"),
                                   .variable = bare ? NULL : variable };
    int code = read_text(&from, &got, &e);
    if (str_starts(c->fields[2], STR("error: "))) {
        case_equal(c, str_of(err_text(&e)), str_sub(c->fields[2], 7, c->fields[2].n));
        case_check(c, code == ERR_USAGE);
    } else {
        if (code)
            case_fail(c, "%s", err_text(&e));
        case_equal(c, buf_str(&got), c->fields[2]);
        check_again(c, buf_str(&got));
    }
    buf_done(&got);
    err_done(&e);
}

static void test_read(void **state)
{
    (void)state;
    setenv("HOME", "/home/kim", 1);
    assert_true(case_each("jobfile/read.case", 90, check_read, NULL));
}

/* -- the command line and a job -- */

static const enum settings_command commands[] = { COMMAND_DOWNLOAD, COMMAND_WHEEL, COMMAND_INSTALL,
                                                  COMMAND_METADATA, COMMAND_LOCK };

/* A value that is none of the defaults. */
static const char *sample(const struct setting *w)
{
    switch (w->kind) {
    case SETTING_FLAG:
    case SETTING_COUNT_UP:
        return NULL;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_LIST:
        return "/p/x";
    case SETTING_PROXY:
        return "http://me:secret@proxy.example.org:3128";
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        return "7";
    case SETTING_FORMAT:
        return "foo";
    case SETTING_BYTES:
    case SETTING_RATE:
        return "5MB";
    case SETTING_DATE:
        return "2024-01-01";
    case SETTING_INDEX:
        return "corp=https://me:secret@corp.example.org/simple/";
    case SETTING_WORD:
        return strrchr(w->value_name, '|') + 1;
    }
    abort();
}

static void by_command_line(enum settings_command command, const struct setting *w, struct buf *out)
{
    struct buf option = { 0 };
    struct settings s;
    struct err e = { 0 };

    buf_add_f(&option, "--%s%s%s", w->name, sample(w) ? "=" : "", sample(w) ? sample(w) : "");
    const char *const argv[] = { "dray", option.p, "demo", NULL };
    settings_init(&s);
    s.command = command;
    if (options_parse(&s, 3, (char **)(uintptr_t)argv, &e) ||
        job_text(&s, STR("f"), SETTING_IN_JOB, out, &e))
        fail_msg("%s", err_text(&e));
    settings_done(&s);
    buf_done(&option);
}

static void by_job(enum settings_command command, const struct setting *w, struct buf *out)
{
    struct buf text = { 0 };
    struct err e = { 0 };

    buf_add_f(&text, "command: %s\nrequirements: demo\n", settings_command_name(command));
    if (w->kind == SETTING_INDEX)
        buf_add_f(&text, "indexes: [{name: corp, url: '%s'}]\n", strchr(sample(w), '=') + 1);
    else
        buf_add_f(&text, "%s: %s\n", w->name, sample(w) ? sample(w) : "yes");
    struct jobfile_source from = { .text = buf_str(&text), .name = "f" };
    if (read_text(&from, out, &e))
        fail_msg("%s: %s", w->name, err_text(&e));
    buf_done(&text);
}

/* What is about the process, and not about what it does. */
static bool is_of_process(const struct setting *w)
{
    static const char *const names[] = { "config", "daemon", "isolated", "progress",
                                         "quiet",  "socket", "verbose" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(str_of(w->name), names[i]))
            return true;
    return false;
}

static void test_same_as_command_line(void **state)
{
    unsigned compared = 0;

    (void)state;
    for (const struct setting *w = settings_table; w->name; w++)
        for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
            struct buf line = { 0 }, job = { 0 };
            if (!(w->commands & commands[i]))
                continue;
            if (is_of_process(w) || w->kind == SETTING_INDEX)
                assert_false(w->where & SETTING_IN_JOB);
            else if (!(w->where & SETTING_IN_JOB))
                fail_msg("no job can say %s", w->name);
            if (!is_of_process(w)) {
                by_command_line(commands[i], w, &line);
                by_job(commands[i], w, &job);
                assert_string_equal(buf_z(&line), buf_z(&job));
                if (w->kind != SETTING_INDEX)
                    assert_true(str_search(buf_str(&job), str_of(w->name)) >= 0);
                compared++;
            }
            buf_done(&line);
            buf_done(&job);
        }
    assert_true(compared > 200);
}

/* What stands behind "--", and arguments: the other way round, of keys that are no settings. */
static void test_pip_options(void **state)
{
    const char *const argv[] = { "install", "a", "b>1", "--", "--user", "-t", "x y", NULL };
    struct jobfile_source from = {
        .text = STR("command: install\nrequirements: [a, b>1]\npip-options: [--user, -t, x y]"),
        .name = "f"
    };
    struct buf line = { 0 }, job = { 0 };
    struct err e = { 0 };
    struct settings s;

    (void)state;
    settings_init(&s);
    s.command = COMMAND_INSTALL;
    assert_int_equal(options_parse(&s, 7, (char **)(uintptr_t)argv, &e), 0);
    assert_int_equal(job_text(&s, STR("f"), SETTING_IN_JOB, &line, &e), 0);
    assert_int_equal(read_text(&from, &job, &e), 0);
    assert_string_equal(buf_z(&line), buf_z(&job));
    settings_done(&s);
    buf_done(&line);
    buf_done(&job);
}

/* A person's words that a line would read in another way. */
static void test_no_line(void **state)
{
    static const char *const words[] = { "./a #b.whl", "./x --hash=y.whl", "./a\\", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct buf text = { 0 };
        struct err e = { 0 };
        struct settings s;
        settings_init(&s);
        strs_add(&s.requirements, str_of(words[i]));
        assert_int_equal(job_text(&s, STR_NONE, SETTING_IN_JOB, &text, &e), ERR_USAGE);
        settings_done(&s);
        buf_done(&text);
        err_done(&e);
    }
}

/* Of what is a file or directory a relative name begins at the job's. */
static void test_paths(void **state)
{
    unsigned paths = 0;

    (void)state;
    for (const struct setting *w = settings_table; w->name; w++) {
        struct str says = str_of(w->value_name);
        bool named = str_search(says, STR("FILE")) >= 0 || str_search(says, STR("DIR")) >= 0 ||
                     str_is(says, "PYTHON");
        if (!(w->where & SETTING_IN_JOB))
            continue;
        if (named != job_value_is_path(w))
            fail_msg("%s", w->name);
        paths += named;
    }
    assert_true(paths > 12);
}

/* What a job brings along, read by the walk over requirements files. */
static int check_inputs(bool bare, const char *text, struct err *e)
{
    struct buf kept = { 0 };
    struct jobfile_source from = { .text = str_of(text),
                                   .name = "f",
                                   .directory = STR("/nowhere"),
                                   .variable = bare ? NULL : itself,
                                   .ctx = &kept };
    struct events nobody = { 0 };
    struct jobfile f = { 0 };
    struct settings s;

    settings_init(&s);
    if (!jobfile_read(&from, &f, e) && !jobfile_apply(&f.jobs[0], &s, e))
        inputs_check(&s, &nobody, e);
    settings_done(&s);
    jobfile_done(&f);
    buf_done(&kept);
    return e->code;
}

static void test_inputs(void **state)
{
    struct err e = { 0 };

    (void)state;
    const char with_variable[] = "requirement: r\nfiles: {r: '-r ${HOME}/x\n', /home/kim/x: a}";
    assert_int_equal(check_inputs(false, with_variable, &e), 0);
    assert_int_equal(check_inputs(true, with_variable, &e), ERR_USAGE);
    assert_string_equal(err_text(&e),
                        "f, line 1: /nowhere/r: variables (${NAME}) are not expanded here; write "
                        "what they stand for");
    err_done(&e);
    /* A line's own file has no name that another could mean. */
    assert_int_equal(
        check_inputs(true, "requirements: [-r requirements]\nfiles: {requirements: a}", &e), 0);
    assert_int_equal(check_inputs(true, "requirement: r\nfiles: {r: -r ./x/../r}", &e), ERR_INPUT);
    assert_string_equal(err_text(&e), "/nowhere/r includes itself, by way of /nowhere/r");
    err_done(&e);
    assert_int_equal(check_inputs(true, "requirements: [a]\nconstraints: ['a[b]']", &e), ERR_INPUT);
    assert_string_equal(err_text(&e), "f, line 2: a constraint must not have extras: \"a[b]\"");
    err_done(&e);
}

static void test_caps(void **state)
{
    struct buf text = { 0 }, got = { 0 };
    struct err e = { 0 };

    (void)state;
    buf_add_z(&text, "jobs:\n");
    for (int i = 0; i <= LIMIT_JOBS; i++)
        buf_add_z(&text, "- {requirements: x}\n");
    struct jobfile_source from = { .text = buf_str(&text), .name = "f" };
    assert_int_equal(read_text(&from, &got, &e), ERR_USAGE);
    assert_string_equal(err_text(&e), "f, line 2, column 1: jobs: more than 1000");
    from.text.n = text.n - strlen("- {requirements: x}\n");
    err_done(&e);
    assert_int_equal(read_text(&from, &got, &e), 0);
    buf_reset(&text);
    buf_add_z(&text, "requirements: x\nfiles:\n");
    for (int i = 0; i <= LIMIT_JOB_CONTENTS; i++)
        buf_add_f(&text, "  f%d: x\n", i);
    from.text = buf_str(&text);
    assert_int_equal(read_text(&from, &got, &e), ERR_USAGE);
    assert_string_equal(err_text(&e), "f, line 3, column 3: files: more than 1000 files");
    err_done(&e);
    from.text.n = LIMIT_JOB_BYTES + 1;
    assert_int_equal(read_text(&from, &got, &e), ERR_USAGE);
    assert_string_equal(err_text(&e), "f has more than 67108864 bytes");
    err_done(&e);
    buf_done(&text);
    buf_done(&got);
}

/* The annotated file as it stands, and with all that is commented out ("#key", but not "# words").
 */
static void test_example(void **state)
{
    struct buf text = { 0 }, all = { 0 }, got = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(
        file_read(TEST_DATA "/../../config/job-example.yaml", LIMIT_CONFIG_BYTES, &text, &e), 0);
    struct jobfile_source from = { .text = buf_str(&text), .name = "f", .variable = variable };
    if (read_text(&from, &got, &e))
        fail_msg("%s", err_text(&e));
    for (struct str rest = buf_str(&text); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        size_t indent = 0;
        while (indent < line.n && line.p[indent] == ' ')
            indent++;
        struct str words = str_sub(line, indent, line.n);
        bool is_key =
            str_starts(words, STR("#")) && words.n > 2 && (words.p[1] != ' ' || words.p[2] == ' ');
        buf_add_str(&all, str_sub(line, 0, indent));
        buf_add_str(&all, str_sub(words, is_key, words.n));
        buf_add_c(&all, '\n');
    }
    from.text = buf_str(&all);
    if (read_text(&from, &got, &e))
        fail_msg("%s", err_text(&e));
    for (const struct setting *w = settings_table; w->name; w++) {
        struct buf key = { 0 };
        buf_add_f(&key, " %s: ", w->name);
        if ((w->where & SETTING_IN_JOB) && str_search(buf_str(&all), buf_str(&key)) < 0)
            fail_msg("config/job-example.yaml lacks %s", w->name);
        buf_done(&key);
    }
    buf_done(&text);
    buf_done(&all);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),        cmocka_unit_test(test_same_as_command_line),
        cmocka_unit_test(test_pip_options), cmocka_unit_test(test_no_line),
        cmocka_unit_test(test_paths),       cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_caps),        cmocka_unit_test(test_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
