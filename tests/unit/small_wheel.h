/* small_wheel.h: the bytes of a wheel that holds nothing but METADATA, stored. */
#pragma once

#include <zlib.h>

#include "dray/util/buf.h"

#define WHEEL_NAME   "demo-1.0-py3-none-any.whl"
#define WHEEL_MEMBER "demo-1.0.dist-info/METADATA"
#define WHEEL_TEXT   "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"

static inline void small_wheel_number(struct buf *out, uint64_t value, size_t n)
{
    for (; n > 0; n--, value >>= 8)
        buf_add_c(out, (char)(value & 0xff));
}

/* What the local header and the entry of the directory have in common. */
static inline void small_wheel_facts(struct buf *out, struct str text)
{
    small_wheel_number(out, 20, 2);
    small_wheel_number(out, 0, 8); /* flags, stored, time */
    small_wheel_number(out, crc32(0, (const Bytef *)text.p, (uInt)text.n), 4);
    small_wheel_number(out, text.n, 4);
    small_wheel_number(out, text.n, 4);
    small_wheel_number(out, strlen(WHEEL_MEMBER), 2);
    small_wheel_number(out, 0, 2);
}

/* `text`, then a description of so many bytes: with none it is small enough for every first range
 * to be all of it. */
static inline void small_wheel_add(struct buf *out, struct str text, size_t description_bytes)
{
    struct buf all = { 0 };
    size_t start = out->n;

    buf_add_str(&all, text);
    for (size_t i = 0; i < description_bytes; i++)
        buf_add_c(&all, i ? 'd' : '\n');
    buf_add_z(out, "PK\3\4");
    small_wheel_facts(out, buf_str(&all));
    buf_add_z(out, WHEEL_MEMBER);
    buf_add_str(out, buf_str(&all));
    size_t directory = out->n;
    buf_add_z(out, "PK\1\2");
    small_wheel_number(out, 20, 2);
    small_wheel_facts(out, buf_str(&all));
    small_wheel_number(out, 0, 14);
    buf_add_z(out, WHEEL_MEMBER);
    size_t end = out->n;
    buf_add_z(out, "PK\5\6");
    small_wheel_number(out, 0, 4);
    small_wheel_number(out, 1, 2);
    small_wheel_number(out, 1, 2);
    small_wheel_number(out, end - directory, 4);
    small_wheel_number(out, directory - start, 4);
    small_wheel_number(out, 0, 2);
    buf_done(&all);
}
