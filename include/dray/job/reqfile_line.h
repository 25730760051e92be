/* reqfile_line.h: the logical lines of a requirements file: continued lines joined, comments and
 * blanks gone, ${NAME} expanded. Knows where each character stood. Pure. */
#pragma once

#include "dray/job/reqfile.h"
#include "dray/util/buf.h"

struct reqfile_piece; /* of a logical line: what one physical line gave to it */

struct reqfile_reader {
    struct str rest; /* UTF-8, borrowed */
    const char *name;
    reqfile_env_fn env;
    void *env_ctx;
    size_t physical; /* lines taken so far */
    bool is_alone;   /* it is no line of a file */

    /* Of the present logical line; `text` is valid until the next one. */
    struct str text;
    size_t line; /* the first physical line, from 1 */
    bool expanded;
    struct buf joined, replaced;
    size_t stripped; /* bytes of `joined` before `text` */
    struct reqfile_piece *pieces;
    size_t n_pieces, pieces_cap;
};

void reqfile_reader_init(struct reqfile_reader *r, struct str text, const char *name,
                         reqfile_env_fn env, void *env_ctx);
void reqfile_reader_done(struct reqfile_reader *r);
/* ${NAME} at the beginning of `s`, NAME of A-Z, 0-9 and "_": its bytes, or 0. */
size_t reqfile_variable(struct str s);
/* Goes to the next line that is not blank: 1, or 0 at the end, or ERR_LIMIT. */
int reqfile_reader_next(struct reqfile_reader *r, struct err *e);
/* ERR_INPUT: "NAME, line L, column C: <text>" for the byte `at` of the present line. Without the
 * column where a variable was expanded, since that moved what follows. */
__attribute__((format(printf, 4, 5))) int reqfile_reader_refuse(const struct reqfile_reader *r,
                                                                size_t at, struct err *e,
                                                                const char *format, ...);
