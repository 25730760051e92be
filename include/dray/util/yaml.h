/* yaml.h: reading one YAML document, by libyaml's events, into a tree whose nodes know where they
 * stand; for configuration and whatever else people write for dray. What nobody needs there and
 * programs stumble over is refused: anchors and aliases (a few bytes of which can stand for
 * gigabytes), tags, several documents, keys that are there twice or are no plain text, deep
 * nesting, control characters. Pure. Of a scalar it says the text, not a type: who reads it knows
 * what it has to be. */
#pragma once

#include "dray/util/arena.h"
#include "dray/util/err.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

/* Borrowed from the arena. */
struct yaml_node {
    enum yaml_kind kind;
    bool is_null;                   /* a text that says nothing: "key:", "key: ~", "key: null" */
    size_t line, column;            /* where it begins; from 1, columns in characters */
    struct str text;                /* valid UTF-8; may hold tabs and line breaks */
    const struct yaml_node *keys;   /* of a map: as many texts as values, no two the same */
    const struct yaml_node *values; /* of a map or list, in order */
    size_t n;
};

/* NULL in `*out`: there is nothing in `text` but comments. ERR_INPUT says line and column;
 * ERR_LIMIT above LIMIT_YAML_DEPTH and LIMIT_YAML_NODES. Who reads a file caps its size. */
int yaml_read(struct arena *a, struct str text, const struct yaml_node **out, struct err *e);
/* "line 3, column 5: <what>", ERR_INPUT. */
__attribute__((format(printf, 3, 4))) int yaml_refuse(const struct yaml_node *at, struct err *e,
                                                      const char *format, ...);
