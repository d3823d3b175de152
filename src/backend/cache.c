/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the blob, so that a runtime can write its file as it likes. */
typedef struct Seal {
    char magic[8];
    uint64_t key, size, hash; /* of the blob */
} Seal;

static const char magic[8] = { 'S', 'S', 'C', 'A', 'C', 'H', 'E', '1' };

static int make_folders(const char *dir)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

int ss_cache_entry(SsCacheEntry *e, const char *dir, const char *model, uint64_t key)
{
    const char *slash = strrchr(model, '/');
    int ret = make_folders(dir);

    if (ret < 0)
        return ret;
    *e = (SsCacheEntry) { .key = key };
    ret = snprintf(e->path, sizeof e->path, "%s/%s-%016" PRIx64 ".blob", dir, slash ? slash + 1 : model, key);
    return ret < (int)sizeof e->path ? 0 : -ENAMETOOLONG;
}

int ss_cache_map(const SsCacheEntry *e, SsMapping *m, size_t *size)
{
    SsMapping file = { 0 };
    Seal seal;
    int ret = ss_mapping_open(&file, e->path);

    if (ret < 0)
        return ret;
    if (file.size <= sizeof seal)
        goto damaged;
    memcpy(&seal, file.data + file.size - sizeof seal, sizeof seal);
    if (memcmp(seal.magic, magic, sizeof magic) != 0 || seal.key != e->key ||
        seal.size != file.size - sizeof seal || seal.hash != ss_hash(0, file.data, seal.size))
        goto damaged;
    *m = file;
    *size = seal.size;
    return 0;
damaged:
    ss_mapping_close(&file);
    return -EINVAL;
}

int ss_cache_begin(SsCacheEntry *e)
{
    int fd;

    if (snprintf(e->draft, sizeof e->draft, "%s.XXXXXX", e->path) >= (int)sizeof e->draft)
        return -ENAMETOOLONG;
    fd = mkstemp(e->draft);
    if (fd < 0)
        return -errno;
    (void)close(fd);
    return 0;
}

static int append_seal(const SsCacheEntry *e)
{
    Seal seal = { .key = e->key };
    SsMapping m = { 0 };
    int fd, ret = ss_mapping_open(&m, e->draft);
    ssize_t written;

    if (ret < 0)
        return ret;
    memcpy(seal.magic, magic, sizeof magic);
    seal.size = m.size;
    seal.hash = ss_hash(0, m.data, m.size);
    ss_mapping_close(&m);

    fd = open(e->draft, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    written = write(fd, &seal, sizeof seal);
    ret = written < 0 ? -errno : written < (ssize_t)sizeof seal ? -ENOSPC : 0;
    if (close(fd) < 0 && ret == 0)
        ret = -errno;
    return ret;
}

int ss_cache_commit(SsCacheEntry *e)
{
    int ret = append_seal(e);

    if (ret == 0 && rename(e->draft, e->path) < 0)
        ret = -errno;
    if (ret < 0)
        ss_cache_abort(e);
    return ret;
}

void ss_cache_abort(SsCacheEntry *e)
{
    (void)unlink(e->draft);
}
