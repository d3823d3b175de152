/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 8, STALE = 3600 }; /* seconds after which an unfinished entry has nobody who writes it */

/* In an entry, before each file: then its name, then its bytes. */
typedef struct Head {
    uint64_t name, size; /* bytes */
} Head;

/* Where the copies of an entry, and its unfinished drafts, lie; as mkdtemp() wants it. */
static int beside(const SsCacheEntry *e, const char *ending, char *path, size_t size)
{
    return snprintf(path, size, "%s.%s", e->path, ending) < (int)size ? 0 : -ENAMETOOLONG;
}

static int file_in(const char *folder, const char *name, char *path, size_t size)
{
    return snprintf(path, size, "%s/%s", folder, name) < (int)size ? 0 : -ENAMETOOLONG;
}

/* --- the copy --- */

static void remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *d;

    while (dir && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    if (dir)
        (void)closedir(dir);
}

/* The lock, or -errno: -EAGAIN: somebody else has it, or the folder is gone. */
static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
    struct stat st;

    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        ret = errno == EWOULDBLOCK ? -EAGAIN : -errno;
    else if (fstat(fd, &st) < 0)
        ret = -errno;
    else if (st.st_nlink == 0)
        ret = -EAGAIN;
    if (ret == 0)
        return fd;
    (void)close(fd);
    return ret;
}

/* A file there that nobody writes any more, or a folder whose process is dead. */
static void sweep_one(const char *path)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) < 0)
        return;
    if (S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > STALE) {
        (void)unlink(path);
    } else if (S_ISDIR(st.st_mode) && (fd = lock_folder(path)) >= 0) {
        remove_files(path);
        (void)rmdir(path);
        (void)close(fd);
    }
}

/* What processes left of this entry that were killed. */
static void sweep(const SsCacheEntry *e)
{
    const char *name = strrchr(e->path, '/') + 1;
    const size_t length = strlen(name);
    char path[PATH_MAX];
    const struct dirent *d;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%.*s", (int)(name - e->path), e->path);
    dir = opendir(path);
    while (dir && (d = readdir(dir)))
        if (strncmp(d->d_name, name, length) == 0 && d->d_name[length] == '.' &&
            beside(e, d->d_name + length + 1, path, sizeof path) == 0)
            sweep_one(path);
    if (dir)
        (void)closedir(dir);
}

/* Between mkdtemp() and its lock a folder looks like one that a dead process left: then another is made. */
static int make_copy(SsCacheFolder *f)
{
    int ret = -EAGAIN;

    for (int i = 0; i < TRIES && ret == -EAGAIN; i++) {
        if ((ret = beside(&f->entry, "XXXXXX", f->path, sizeof f->path)) < 0)
            return ret;
        if (!mkdtemp(f->path))
            return -errno;
        if ((ret = lock_folder(f->path)) >= 0) {
            f->lock = ret;
            return 0;
        }
        (void)rmdir(f->path);
    }
    return ret;
}

/* --- reading an entry --- */

static int write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wbx");
    int ret = 0;

    if (!file)
        return -errno;
    if (size > 0 && fwrite(data, 1, size, file) != size)
        ret = errno ? -errno : -EIO;
    if (fclose(file) != 0 && ret == 0)
        ret = -errno;
    return ret;
}

static bool is_plain(const char *name, size_t length)
{
    return length > 0 && length <= NAME_MAX && !memchr(name, '/', length) && !memchr(name, '\0', length) &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Returns how many bytes the first of the files at `data` takes there; -EINVAL: there is none. */
static int64_t unpack_one(const char *folder, const uint8_t *data, size_t left)
{
    char name[NAME_MAX + 1] = "", path[PATH_MAX];
    Head h;
    int ret;

    if (left < sizeof h)
        return -EINVAL;
    memcpy(&h, data, sizeof h);
    left -= sizeof h;
    if (h.name > NAME_MAX || h.name > left || h.size > left - h.name)
        return -EINVAL;
    memcpy(name, data + sizeof h, h.name);
    if (!is_plain(name, h.name))
        return -EINVAL;
    if ((ret = file_in(folder, name, path, sizeof path)) < 0 ||
        (ret = write_file(path, data + sizeof h + h.name, h.size)) < 0)
        return ret;
    return (int64_t)(sizeof h + h.name + h.size);
}

static int unpack(const SsCacheFolder *f)
{
    SsMapping m = { 0 };
    size_t size;
    int64_t took = 0;
    int n = 0, ret = ss_cache_map(&f->entry, &m, &size);

    if (ret < 0)
        return ret;
    for (size_t at = 0; at < size; at += (size_t)took, n++)
        if ((took = unpack_one(f->path, m.data + at, size - at)) < 0)
            break;
    ss_mapping_close(&m);
    return took < 0 ? (int)took : n;
}

int ss_cache_folder_open(SsCacheFolder *f, const SsCacheEntry *e)
{
    int ret;

    *f = (SsCacheFolder) { .entry = *e, .lock = -1 };
    sweep(e);
    if ((ret = make_copy(f)) < 0)
        return ret;
    ret = unpack(f);
    if (ret >= 0)
        return ret;
    remove_files(f->path);
    return 0;
}

/* --- writing one --- */

static int append(FILE *to, const char *name, const SsMapping *m)
{
    const Head h = { strlen(name), m->size };

    errno = 0;
    if (fwrite(&h, sizeof h, 1, to) != 1 || fwrite(name, 1, h.name, to) != h.name ||
        (m->size > 0 && fwrite(m->data, 1, m->size, to) != m->size))
        return errno ? -errno : -EIO;
    return 0;
}

static int append_file(FILE *to, const char *folder, const char *name)
{
    char path[PATH_MAX];
    SsMapping m = { 0 };
    int ret = file_in(folder, name, path, sizeof path);

    if (ret < 0)
        return ret;
    ret = ss_mapping_open(&m, path);
    if (ret == -EISDIR)
        return 0;
    if (ret == 0 || ret == -ENODATA)
        ret = append(to, name, &m);
    ss_mapping_close(&m);
    return ret;
}

static int pack(const SsCacheFolder *f, FILE *to)
{
    struct dirent **names = NULL;
    int n = scandir(f->path, &names, NULL, alphasort), ret = n < 0 ? -errno : 0;

    for (int i = 0; i < n; i++) {
        if (ret == 0 && strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            ret = append_file(to, f->path, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return ret;
}

int ss_cache_folder_keep(SsCacheFolder *f)
{
    int ret = ss_cache_begin(&f->entry);
    FILE *to;

    if (ret < 0)
        return ret;
    to = fopen(f->entry.draft, "wb");
    ret = to ? pack(f, to) : -errno;
    if (to && fclose(to) != 0 && ret == 0)
        ret = -errno;
    if (ret == 0)
        return ss_cache_commit(&f->entry);
    ss_cache_abort(&f->entry);
    return ret;
}

void ss_cache_folder_empty(const SsCacheFolder *f)
{
    remove_files(f->path);
}

void ss_cache_folder_close(SsCacheFolder *f)
{
    if (f->lock < 0)
        return;
    remove_files(f->path);
    (void)rmdir(f->path);
    (void)close(f->lock);
    f->lock = -1;
}
