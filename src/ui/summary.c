/* All of it is composed first and written at once, so that the output of other programs can't
 * come between. */
#include "dray/ui/summary.h"

#include <inttypes.h>
#include <signal.h>

#include "dray/ui/human.h"
#include "dray/ui/line.h"
#include "dray/ui/shown.h"

enum { INDENT = 4 };

/* What has its own message: not what merely was under way when the user broke off. */
static bool is_told(const struct fetch_view *v)
{
    return v->state == FETCH_FAILED && v->err.code && v->err.code != ERR_INTERRUPTED &&
           v->err.code != ERR_UNSOLVED;
}

static bool has_wrong_hash(const struct fetch_view *v)
{
    return is_told(v) && v->err.code == ERR_HASH;
}

static void error_add(struct buf *out, struct str label, const struct err *e, bool colour)
{
    line_tag(out, LINE_ERROR, "error:", colour);
    buf_add_c(out, ' ');
    if (label.p) {
        shown_add(out, label);
        buf_add_z(out, ": ");
    }
    shown_add_lines(out, str_of(err_text(e)), INDENT);
    buf_add_c(out, '\n');
}

/* pip has all wrong hashes in one block too (exceptions.HashErrors). */
static void hashes_add(struct buf *out, const struct job_result *r, size_t n, bool colour)
{
    line_tag(out, LINE_ERROR, "error:", colour);
    buf_add_c(out, ' ');
    human_count(out, n, "file");
    buf_add_f(out,
              " did not have the hash that was promised and %s not kept. If you have changed "
              "versions, renew the hashes too; if not, someone may have tampered with %s:\n",
              n == 1 ? "was" : "were", n == 1 ? "it" : "them");
    for (size_t i = 0; i < r->n; i++) {
        if (!has_wrong_hash(r->fetches[i]))
            continue;
        buf_add_f(out, "%*s", INDENT, "");
        shown_add(out, r->fetches[i]->label);
        buf_add_f(out, ":\n%*s", 2 * INDENT, "");
        shown_add_lines(out, str_of(err_text(&r->fetches[i]->err)), 2 * INDENT);
        buf_add_c(out, '\n');
    }
}

/* Sets of which no files fit together. */
static size_t unsolved_add(struct buf *out, const struct job_result *r, bool colour)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_targets; i++) {
        const struct job_target *t = &r->targets[i];
        if (!t->unsolved->code)
            continue;
        error_add(out, r->n_targets > 1 ? t->label : STR_NONE, t->unsolved, colour);
        n++;
    }
    return n;
}

static void errors_add(struct buf *out, const struct job_result *r, const struct err *run,
                       bool colour)
{
    size_t told = r->signal ? 0 : unsolved_add(out, r, colour), wrong_hashes = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        told += is_told(v);
        wrong_hashes += has_wrong_hash(v);
        if (is_told(v) && !has_wrong_hash(v))
            error_add(out, v->label, &v->err, colour);
    }
    if (wrong_hashes)
        hashes_add(out, r, wrong_hashes, colour);
    if (run->code && !told && !r->signal)
        error_add(out, STR_NONE, run, colour);
}

/* Files that a dry run chose and did not fetch, and their bytes. */
static size_t chosen(const struct job_result *r, uint64_t *bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct fetch_view *v = r->fetches[i];
        if (v->state != FETCH_DONE || v->path.p || v->origin == FETCH_FROM_STORE ||
            v->origin == FETCH_FROM_PIP)
            continue;
        n++;
        *bytes += v->body_bytes == FETCH_BYTES_UNKNOWN ? 0 : v->body_bytes;
    }
    return n;
}

static void interrupted_add(struct buf *out, const struct job_result *r, struct str dest)
{
    size_t here = r->fetched + r->reused + r->kept + r->repeated;

    buf_add_f(out, "%s: ", r->signal == SIGTERM ? "Terminated" : "Interrupted");
    if (!r->n) {
        buf_add_z(out, "nothing was fetched");
    } else if (!dest.p) {
        buf_add_f(out, "%zu of ", here);
        human_count(out, r->n, "file");
        buf_add_z(out, " had come");
    } else {
        buf_add_f(out, "%zu of ", here);
        human_count(out, r->n, "file");
        buf_add_f(out, " %s in ", here == 1 ? "is" : "are");
        shown_add(out, dest);
    }
    buf_add_z(out, ".\n");
}

static void fetched_add(struct buf *out, const struct job_result *r)
{
    buf_add_z(out, "Fetched ");
    human_count(out, r->fetched, "file");
    buf_add_z(out, ", ");
    human_bytes(out, r->fetched_bytes);
    buf_add_z(out, " in ");
    human_took(out, r->took_us);
    uint64_t took_ms = r->took_us / 1000;
    if (took_ms && r->fetched_bytes) {
        buf_add_z(out, " (");
        human_rate(out, r->fetched_bytes * 1000 / took_ms);
        buf_add_c(out, ')');
    }
}

/* What was under way, or was not begun, when another failed and that ended it all. */
static size_t given_up(const struct job_result *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->fetches[i]->state != FETCH_DONE && r->fetches[i]->state != FETCH_FAILED;
    return n;
}

static void closing_add(struct buf *out, const struct job_result *r)
{
    uint64_t bytes = 0;
    size_t would = chosen(r, &bytes);

    if (r->kept && r->kept + r->repeated == r->n) {
        buf_add_z(out, r->kept == 1 ? "The file was there already.\n" : "");
        if (r->kept > 1)
            buf_add_f(out, "All %zu files were there already.\n", r->kept);
        return;
    }
    if (would) {
        buf_add_z(out, "Would fetch ");
        human_count(out, would, "file");
        buf_add_z(out, bytes ? ", " : "");
        if (bytes)
            human_bytes(out, bytes);
    } else if (r->fetched) {
        fetched_add(out, r);
    } else if (r->reused) {
        buf_add_z(out, "Nothing had to be fetched");
    } else {
        buf_add_z(out, r->n ? "Nothing was fetched" : "Nothing to fetch");
    }
    if (r->reused)
        buf_add_f(out, "; %zu came from a cache", r->reused);
    if (r->kept)
        buf_add_f(out, "; %zu %s there already", r->kept, r->kept == 1 ? "was" : "were");
    if (r->failed)
        buf_add_f(out, "; %zu failed", r->failed);
    size_t left = given_up(r);
    if (left)
        buf_add_f(out, "; %zu %s given up for that", left, left == 1 ? "was" : "were");
    buf_add_z(out, ".\n");
}

/* One line a target, when there are several. */
static void targets_add(struct buf *out, const struct job_result *r)
{
    size_t width = 0;

    for (size_t i = 0; i < r->n_targets; i++)
        if (r->targets[i].label.n > width)
            width = r->targets[i].label.n;
    for (size_t i = 0; r->n_targets > 1 && i < r->n_targets; i++) {
        const struct job_target *t = &r->targets[i];
        buf_add_f(out, "  %.*s%*s", STR_ARG(t->label), (int)(width - t->label.n) + 2, "");
        if (t->unsolved->code) {
            buf_add_z(out, "could not be resolved\n");
            continue;
        }
        human_count(out, t->n - t->failed, "file");
        if (t->failed)
            buf_add_f(out, ", %zu failed", t->failed);
        buf_add_c(out, '\n');
    }
}

static void stats_add(struct buf *out, const struct facts_count *n)
{
    buf_add_z(out, "Resolved from ");
    human_count(out, n->listings, "page");
    buf_add_z(out, " and the metadata of ");
    human_count(out, n->metadata, "file");
    buf_add_z(out, ", ");
    human_count(out, n->requests, "request");
    buf_add_z(out, " and ");
    human_bytes(out, n->bytes);
    buf_add_f(out, "; %zu of them were fetched ahead and of no use.\n", n->unused);
}

/* Tenths by hand: no decimal comma of some locale. */
static void ms_add(struct buf *out, uint64_t us)
{
    buf_add_f(out, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us / 100 % 10);
}

void summary_print(FILE *out, const struct summary_options *o, const struct job_result *r,
                   const struct err *run)
{
    struct buf text = { 0 };

    errors_add(&text, r, run, o->colour);
    if (!o->quiet && r->signal) {
        interrupted_add(&text, r, o->dest);
    } else if (!o->quiet && (r->n || !run->code)) {
        targets_add(&text, r);
        closing_add(&text, r); /* not after "no such file: requirements.txt" */
    }
    if (o->stats && r->found.listings)
        stats_add(&text, &r->found);
    if (text.n) {
        fwrite(text.p, 1, text.n, out);
        fflush(out);
    }
    buf_done(&text);
}

void summary_print_turns(FILE *out, const struct loop_turns *t)
{
    struct buf text = { 0 };

    if (t->count == 0)
        return;
    buf_add_f(&text, "loop: %" PRIu64 " turns, p99 ", t->count);
    ms_add(&text, t->p99_us);
    buf_add_z(&text, ", longest ");
    ms_add(&text, t->max_us);
    fprintf(out, "%s\n", buf_z(&text));
    buf_done(&text);
}
