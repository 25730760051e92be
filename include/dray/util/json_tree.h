/* json_tree.h: reading one JSON document (RFC 8259), by yajl, into the tree of yaml.h, so that who
 * reads that takes both. Numbers, true and false become texts as they are written; null is a text
 * that says nothing. Texts may hold "\r" besides what those of YAML may. Refused are keys that are
 * there twice, other control characters, and halves of surrogate pairs. Pure. */
#pragma once

#include "dray/util/yaml.h"

/* Does a file of that name hold JSON? */
bool json_tree_is_name(struct str name);
/* NULL in `*out` for null. ERR_INPUT says line and column; ERR_LIMIT above LIMIT_YAML_DEPTH and
 * LIMIT_YAML_NODES. Who reads a file caps its size. */
int json_tree_read(struct arena *a, struct str text, const struct yaml_node **out, struct err *e);
