/* place_parts.h: what the files of store/place share. Private to them, to store/partial, and to
 * their test. */
#pragma once

#include <sys/types.h>

#include "dray/store/place.h"
#include "dray/util/str.h"

enum { PLACE_NAME_SIZE = 64, PLACE_SOURCES = 4 };

/* Can a file of this directory be written without a name, and get one at its end? */
enum place_unnamed { PLACE_UNTRIED, PLACE_UNNAMED, PLACE_NAMED };

/* What does not work from one device into this directory. */
struct place_source {
    dev_t device;
    unsigned refused; /* bit (1u << enum place_mode) for each */
};

struct place {
    char *dir;
    int fd;
    unsigned long next_temp;
    size_t n_files; /* created and not yet destroyed */
    enum place_unnamed unnamed;
    struct place_source sources[PLACE_SOURCES];
    size_t n_sources; /* ever seen: the oldest is forgotten first */
};

struct place_file {
    struct place *place;
    int fd;
    char name[PLACE_NAME_SIZE];   /* the temporary one; "" while it has none */
    char beside[PLACE_NAME_SIZE]; /* of a file that goes when it goes; "": none */
    bool committed;
};

/* The next temporary name. That it is free shows when it is made: EEXIST asks for another. */
void place_temp_name(struct place *p, char out[static PLACE_NAME_SIZE]);
/* Gives the very file that is open as `fd` the name `name`; -1 and errno. ENOENT also where there
 * is no /proc. */
int place_link_fd(int fd, int dir_fd, const char *name);

/* Another temporary name, in its directory; false: it can't be. */
bool place_file_rename(struct place_file *f, const char *name);
/* Writes `content` into a new file `name` beside it, instead of the one that was there. */
bool place_file_put_beside(struct place_file *f, const char *name, struct str content);
/* Removes that. */
void place_file_leave_beside(struct place_file *f);
/* A temporary file that is there already under `name`, with one beside it; NULL: it isn't. */
struct place_file *place_file_reopen(struct place *p, const char *name, const char *beside);
/* Moves it and what is beside it into another directory, under their names. Only
 * place_file_destroy() is allowed afterwards, if it was moved or not. */
bool place_file_park(struct place_file *f, int dir_fd);
