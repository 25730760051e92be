/* Runs a fuzz target once over each file of a corpus directory; fails when there is none, so that a
 * moved corpus is noticed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    struct buf content = { 0 };
    struct err e = { 0 };

    int code = file_read(path, 64u << 20, &content, &e);
    if (code)
        fprintf(stderr, "%s\n", err_text(&e));
    else
        LLVMFuzzerTestOneInput((const uint8_t *)buf_z(&content), content.n);
    buf_done(&content);
    err_done(&e);
    return code;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    int failed = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct buf path = { 0 };
        if (entry->d_name[0] == '.')
            continue;
        buf_add_f(&path, "%s/%s", argv[1], entry->d_name);
        failed |= replay_file(buf_z(&path));
        buf_done(&path);
        files++;
    }
    closedir(dir);
    printf("%zu inputs\n", files);
    return failed || files == 0;
}
