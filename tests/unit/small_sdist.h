/* small_sdist.h: a source distribution that holds nothing but its PKG-INFO. */
#pragma once

#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "dray/util/buf.h"

enum { SMALL_SDIST_BLOCK = 512 };

/* What a project says of itself that leaves nothing to a build, and what it needs. */
#define SMALL_SDIST_TEXT(name, version, needs)                                                     \
    "Metadata-Version: 2.2\nName: " name "\nVersion: " version "\n" needs

static inline void small_sdist_tar(struct buf *out, const char *path, struct str text)
{
    char header[SMALL_SDIST_BLOCK] = { 0 }, end[2 * SMALL_SDIST_BLOCK] = { 0 };
    unsigned sum = 0;

    snprintf(header, 100, "%s", path);
    snprintf(header + 100, 8, "0000644");
    snprintf(header + 124, 12, "%011zo", text.n);
    snprintf(header + 136, 12, "%011o", 0);
    memset(header + 148, ' ', 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof(header); i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    buf_add(out, header, sizeof(header));
    buf_add_str(out, text);
    buf_add(out, end, (SMALL_SDIST_BLOCK - text.n % SMALL_SDIST_BLOCK) % SMALL_SDIST_BLOCK);
    buf_add(out, end, sizeof(end));
}

static inline void small_sdist_gzip(struct buf *out, struct str bytes)
{
    static unsigned char packed[64 * 1024];
    z_stream z = { .next_in = (unsigned char *)bytes.p,
                   .avail_in = (unsigned)bytes.n,
                   .next_out = packed,
                   .avail_out = sizeof(packed) };

    deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    if (deflate(&z, Z_FINISH) == Z_STREAM_END)
        buf_add(out, packed, sizeof(packed) - z.avail_out);
    deflateEnd(&z);
}

/* `path`: "NAME-VERSION/PKG-INFO". */
static inline void small_sdist_add(struct buf *out, const char *path, const char *text)
{
    struct buf tar = { 0 };

    small_sdist_tar(&tar, path, str_of(text));
    small_sdist_gzip(out, buf_str(&tar));
    buf_done(&tar);
}
