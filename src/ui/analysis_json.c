/* One function a key of the object. */
#include "dray/ui/analysis_json.h"

#include "dray/util/json.h"

static void add_str(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

static void add_number(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void add_run(struct json *j, const struct analysis *a)
{
    add_number(j, "total_us", a->trace->total_us);
    json_key(j, "cut");
    json_bool(j, a->trace->cut);
    add_str(j, "code", a->trace->code);
    json_key(j, "requirements");
    json_map(j);
    add_number(j, "total", a->trace->n);
    add_number(j, "done", a->done);
    add_number(j, "failed", a->failed);
    add_number(j, "unfinished", a->unfinished);
    add_number(j, "retries", a->retries);
    json_map_end(j);
    json_key(j, "bytes");
    json_map(j);
    add_number(j, "bodies", a->got_bytes);
    add_number(j, "listings", a->page_bytes);
    add_number(j, "metadata", a->metadata_bytes);
    json_map_end(j);
}

static void add_states(struct json *j, const struct analysis *a)
{
    json_key(j, "states");
    json_list(j);
    for (uint32_t i = 0; i < a->trace->states.n; i++) {
        const struct analysis_time *time = &a->states[i];
        if (!time->machines)
            continue;
        json_map(j);
        add_str(j, "state", a->trace->states.items[i]);
        add_str(j, "waits_for", analysis_waits_for(a->trace, i));
        add_number(j, "share_us", time->share_us);
        add_number(j, "per_mille", time->per_mille);
        add_number(j, "wall_us", time->wall_us);
        add_number(j, "alone_us", time->alone_us);
        add_number(j, "summed_us", time->summed_us);
        add_number(j, "path_us", time->path_us);
        add_number(j, "requirements", time->machines);
        json_map_end(j);
    }
    json_list_end(j);
    json_key(j, "idle");
    json_map(j);
    add_number(j, "share_us", a->idle.share_us);
    add_number(j, "per_mille", a->idle.per_mille);
    json_map_end(j);
}

static void add_reused(struct json *j, const struct analysis *a)
{
    json_key(j, "origins");
    json_list(j);
    for (size_t i = 0; i < a->trace->origins.n; i++) {
        if (!a->origins[i].files)
            continue;
        json_map(j);
        add_str(j, "origin", a->trace->origins.items[i]);
        add_number(j, "files", a->origins[i].files);
        add_number(j, "bytes", a->origins[i].bytes);
        json_map_end(j);
    }
    json_list_end(j);
    json_key(j, "metadata");
    json_list(j);
    for (size_t i = 0; i < a->trace->rungs.n; i++) {
        if (!a->rungs[i])
            continue;
        json_map(j);
        add_str(j, "rung", a->trace->rungs.items[i]);
        add_number(j, "requirements", a->rungs[i]);
        json_map_end(j);
    }
    json_list_end(j);
}

static void add_slowest(struct json *j, const struct analysis *a)
{
    json_key(j, "slowest");
    json_list(j);
    for (size_t i = 0; i < a->n_slowest; i++) {
        const struct analysis_row *slow = &a->slowest[i];
        const struct trace_row *row = &a->trace->rows[slow->row];
        json_map(j);
        add_number(j, "order", row->order);
        add_str(j, "requirement", row->label);
        add_str(j, "file", row->file);
        add_number(j, "took_us", slow->took_us);
        add_str(j, "state", a->trace->states.items[slow->state]);
        add_number(j, "state_us", slow->state_us);
        add_number(j, "retries", row->retries);
        add_str(j, "code", row->code);
        json_map_end(j);
    }
    json_list_end(j);
}

static void add_pages(struct json *j, const struct analysis *a)
{
    json_key(j, "listings");
    json_list(j);
    for (size_t i = 0; i < a->n_pages; i++) {
        const struct trace_page *page = &a->trace->pages[a->pages[i]];
        json_map(j);
        add_str(j, "url", page->url);
        add_number(j, "took_us", page->to_us - page->from_us);
        add_number(j, "bytes", page->bytes);
        add_str(j, "code", page->code);
        add_str(j, "origin",
                page->origin == TRACE_NONE ? STR_NONE : a->trace->origins.items[page->origin]);
        json_map_end(j);
    }
    json_list_end(j);
}

static void add_step(struct json *j, const struct trace_file *t, const struct critical_step *s)
{
    bool is_start = s->row == TRACE_NONE && s->page == TRACE_NONE;

    json_map(j);
    if (s->row != TRACE_NONE) {
        add_number(j, "order", t->rows[s->row].order);
        add_str(j, "requirement", t->rows[s->row].label);
    }
    add_str(j, "state", is_start ? STR_NONE : t->states.items[s->state]);
    add_number(j, "from_us", s->from_us);
    add_number(j, "to_us", s->to_us);
    if (s->waited_us)
        add_number(j, "waited_us", s->waited_us);
    if (s->page != TRACE_NONE)
        add_str(j, "page", t->pages[s->page].url);
    json_map_end(j);
}

void analysis_json_add(struct buf *out, const struct analysis *a)
{
    struct json *j = json_open(out, true);

    json_map(j);
    add_run(j, a);
    add_states(j, a);
    add_reused(j, a);
    add_slowest(j, a);
    add_pages(j, a);
    json_key(j, "critical_path");
    json_list(j);
    for (size_t i = 0; i < a->path.n; i++)
        add_step(j, a->trace, &a->path.steps[i]);
    json_list_end(j);
    json_map_end(j);
    json_close(j);
}
