/* trace_file.h: a trace that --trace wrote, read back: what each requirement did when. Hostile as
 * any file is: capped by LIMIT_TRACE_* and LIMIT_REQUIREMENTS. Events, keys and states that are not
 * known are no error, since a later version may have written them: such a state keeps its name. A
 * trace that ends in the middle, since the run was killed, is read as far as it goes. */
#pragma once

#include <stdbool.h>

#include "dray/fetch/event.h"
#include "dray/util/arena.h"
#include "dray/util/strs.h"

#define TRACE_NONE SIZE_MAX

/* A requirement was in one state. */
struct trace_span {
    uint64_t from_us, to_us;
    uint32_t state; /* into `states` */
    uint32_t line;  /* of the event that ended it, from 1; 0 when nothing did */
};

struct trace_row {
    size_t order;       /* of the requirement */
    struct str label;   /* as a person wrote it; STR_NONE when no event says */
    struct str file;    /* STR_NONE until it was chosen */
    uint64_t began_us;  /* of its first event */
    uint64_t ended_us;  /* of its last; the end of the trace when it was still at it */
    bool ended;         /* done or failed */
    uint32_t state;     /* its last */
    struct str code;    /* of the error, when it failed */
    struct str why;     /* its sentence */
    size_t origin;      /* into `origins`, of what is done; else TRACE_NONE */
    size_t rung;        /* into `rungs`: how its metadata was had; else TRACE_NONE */
    uint64_t size;      /* of the file, 0 when unknown */
    uint64_t got_bytes; /* of bodies, of all attempts together */
    uint64_t metadata_bytes;
    unsigned retries;
    struct trace_span *spans; /* without gaps, from began_us to ended_us */
    size_t n, cap;
    /* While it is read */
    uint64_t visited; /* set of states */
    uint64_t since_us, last_got;
};

struct trace_page {
    struct str url, code;
    uint64_t from_us, to_us, bytes;
    size_t origin; /* into `origins`, else TRACE_NONE */
    uint32_t line;
};

/* `struct trace_file t = { 0 }` is an empty one. */
struct trace_file {
    struct arena arena;
    struct trace_row *rows; /* by order, those that are not in the trace left out */
    size_t n, cap;
    struct trace_page *pages; /* as they came */
    size_t n_pages, pages_cap;
    struct strs states;  /* those of enum fetch_state, then others by name */
    struct strs origins; /* the same of enum fetch_origin */
    struct strs rungs;   /* the same of enum metadata_rung */
    uint64_t total_us;   /* time of the last event */
    size_t warnings, skipped;
    size_t records;  /* spans and pages while it is read */
    struct str code; /* of the run: "ok", an error's name; STR_NONE when it did not end */
    bool cut;        /* the last line is not whole, or there is no event "end" */
};

void trace_file_done(struct trace_file *t);

/* Reads `path`, "-" is standard input. `out` is zeroed by the caller; after an error only
 * trace_file_done() is allowed. ERR_INPUT names the line. */
int trace_file_read(const char *path, struct trace_file *out, struct err *e);

/* The same from bytes, in any pieces. */
struct trace_reader;
struct trace_reader *trace_reader_create(struct trace_file *out);
int trace_reader_feed(struct trace_reader *r, const char *bytes, size_t n, struct err *e);
int trace_reader_finish(struct trace_reader *r, struct err *e);
void trace_reader_destroy(struct trace_reader *r);
