/* SPDX-License-Identifier: Apache-2.0 */
/** A runtime's folder as an entry of the cache: whole or not at all, through damage, kills and company. */
#include <dirent.h>
#include <sys/wait.h>
#include <utime.h>

#include "backend/cache_folder.h"
#include "backend_rig.h"

enum { KEY = 0x1234 };

static SsCacheEntry entry(uint64_t key)
{
    SsCacheEntry e;

    REQUIRE_CMP(ss_cache_entry(&e, in_folder("cache"), "/models/yolo.onnx", key), ==, 0);
    return e;
}

static int open_folder(SsCacheFolder *f, uint64_t key)
{
    const SsCacheEntry e = entry(key);

    return ss_cache_folder_open(f, &e);
}

static void put(const SsCacheFolder *f, const char *name, const void *data, size_t size)
{
    char path[PATH_MAX + 64];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    file = fopen(path, "wb");
    REQUIRE(file);
    REQUIRE_CMP(fwrite(data, 1, size, file), ==, size);
    REQUIRE_CMP(fclose(file), ==, 0);
}

static void require_file(const SsCacheFolder *f, const char *name, const void *want, size_t size)
{
    char path[PATH_MAX + 64], *data;
    size_t got;

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    data = read_file(path, &got);
    REQUIRE_CMP(got, ==, size);
    REQUIRE(memcmp(data, want, size) == 0);
    free(data);
}

/* What lies in the cache's folder, with "." and "..". */
static int count_entries(void)
{
    DIR *dir = opendir(in_folder("cache"));
    int n = 0;

    REQUIRE(dir);
    while (readdir(dir))
        n++;
    REQUIRE_CMP(closedir(dir), ==, 0);
    return n - 2;
}

static void keep_two(uint64_t key, const char *engine)
{
    SsCacheFolder f;

    REQUIRE_CMP(open_folder(&f, key), >=, 0);
    ss_cache_folder_empty(&f);
    put(&f, "engine.onnx", engine, strlen(engine));
    put(&f, "empty", "", 0);
    REQUIRE_CMP(ss_cache_folder_keep(&f), ==, 0);
    ss_cache_folder_close(&f);
}

static void test_round_trip(void)
{
    char large[100000];
    SsCacheFolder f;

    memset(large, 7, sizeof large);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 0);
    REQUIRE_CMP(access(f.path, R_OK | W_OK | X_OK), ==, 0);
    put(&f, "engine.onnx", large, sizeof large);
    put(&f, ".hidden", "h", 1);
    put(&f, "empty", "", 0);
    REQUIRE_CMP(ss_cache_folder_keep(&f), ==, 0);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(access(f.path, F_OK), ==, -1);
    REQUIRE_CMP(count_entries(), ==, 1);
    ss_cache_folder_close(&f); /* once more does nothing */

    REQUIRE_CMP(open_folder(&f, KEY), ==, 3);
    require_file(&f, "engine.onnx", large, sizeof large);
    require_file(&f, ".hidden", "h", 1);
    require_file(&f, "empty", "", 0);
    ss_cache_folder_empty(&f);
    put(&f, "other", "o", 1);
    REQUIRE_CMP(ss_cache_folder_keep(&f), ==, 0);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 1);
    require_file(&f, "other", "o", 1);
    put(&f, "not kept", "n", 1);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 1);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(open_folder(&f, KEY + 1), ==, 0);
    ss_cache_folder_close(&f);
}

static void change_byte(const char *path, size_t at)
{
    FILE *f = fopen(path, "r+b");
    int c;

    REQUIRE(f);
    REQUIRE_CMP(fseek(f, (long)at, SEEK_SET), ==, 0);
    c = fgetc(f);
    REQUIRE_CMP(fseek(f, (long)at, SEEK_SET), ==, 0);
    REQUIRE(fputc(c ^ 1, f) != EOF);
    REQUIRE_CMP(fclose(f), ==, 0);
}

/* Each byte changed, each length cut: never anything but the whole or nothing. */
static void test_damage(void)
{
    const SsCacheEntry e = entry(KEY), other = entry(KEY + 1);
    SsCacheFolder f;
    struct stat st;

    keep_two(KEY, "an engine");
    REQUIRE_CMP(stat(e.path, &st), ==, 0);
    for (off_t i = 0; i < st.st_size; i++) {
        change_byte(e.path, (size_t)i);
        REQUIRE_CMP(open_folder(&f, KEY), ==, 0);
        ss_cache_folder_close(&f);
        change_byte(e.path, (size_t)i);
    }
    REQUIRE_CMP(open_folder(&f, KEY), ==, 2);
    ss_cache_folder_close(&f);
    for (off_t size = st.st_size - 1; size >= 0; size--) {
        REQUIRE_CMP(truncate(e.path, size), ==, 0);
        REQUIRE_CMP(open_folder(&f, KEY), ==, 0);
        REQUIRE_CMP(access(f.path, R_OK), ==, 0);
        ss_cache_folder_close(&f);
    }
    keep_two(KEY, "an engine");
    REQUIRE_CMP(rename(e.path, other.path), ==, 0); /* of another model, or another GPU */
    REQUIRE_CMP(open_folder(&f, KEY + 1), ==, 0);
    ss_cache_folder_close(&f);
}

/* Sealed as it should be, and yet of a name that leads out of the folder, or with a length past the end. */
static void seal(const uint64_t head[2], const char *rest, size_t size)
{
    SsCacheEntry e = entry(KEY);
    FILE *file;

    REQUIRE_CMP(ss_cache_begin(&e), ==, 0);
    file = fopen(e.draft, "wb");
    REQUIRE(file);
    REQUIRE_CMP(fwrite(head, 8, 2, file), ==, 2);
    REQUIRE_CMP(fwrite(rest, 1, size, file), ==, size);
    REQUIRE_CMP(fclose(file), ==, 0);
    REQUIRE_CMP(ss_cache_commit(&e), ==, 0);
}

static void require_refused(const uint64_t head[2], const char *rest, size_t size)
{
    SsCacheFolder f;

    seal(head, rest, size);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 0);
    ss_cache_folder_close(&f);
}

static void test_foreign(void)
{
    SsCacheFolder f;

    require_refused((uint64_t[]) { 6, 1 }, "../outx", 7);
    REQUIRE_CMP(access(in_folder("cache/out"), F_OK), ==, -1);
    require_refused((uint64_t[]) { 2, 1 }, "..x", 3);
    require_refused((uint64_t[]) { 0, 1 }, "x", 1);
    require_refused((uint64_t[]) { 3, 1 }, "a\0bx", 4);
    require_refused((uint64_t[]) { 1, 9 }, "ax", 2);
    require_refused((uint64_t[]) { 9, 1 }, "ax", 2);
    require_refused((uint64_t[]) { UINT64_MAX, 2 }, "ax", 2);
    require_refused((uint64_t[]) { 1, UINT64_MAX }, "ax", 2);
    require_refused((uint64_t[]) { 1, 1 }, "ax trailing", 11);
    seal((uint64_t[]) { 1, 1 }, "ax", 2);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 1);
    require_file(&f, "a", "x", 1);
    ss_cache_folder_close(&f);
}

/* A child that has the folder open, has written half an engine, and ends only by a signal. */
static pid_t start_child(int ready[2])
{
    char byte = 'r';
    pid_t child;

    REQUIRE_CMP(pipe(ready), ==, 0);
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        SsCacheFolder f;

        REQUIRE_CMP(open_folder(&f, KEY), >=, 0);
        put(&f, "half", "an en", 5);
        REQUIRE_CMP(write(ready[1], &byte, 1), ==, 1);
        for (;;)
            pause();
    }
    REQUIRE_CMP(read(ready[0], &byte, 1), ==, 1);
    return child;
}

static void test_two_and_a_kill(void)
{
    int ready[2], status, before;
    SsCacheFolder f;
    pid_t child;

    keep_two(KEY, "first");
    before = count_entries();
    child = start_child(ready);
    REQUIRE_CMP(count_entries(), ==, before + 1);
    REQUIRE_CMP(open_folder(&f, KEY), ==, 2); /* not the child's, and the child's is left alone */
    REQUIRE_CMP(count_entries(), ==, before + 2);
    put(&f, "engine.onnx", "second", 6);
    REQUIRE_CMP(ss_cache_folder_keep(&f), ==, 0);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(count_entries(), ==, before + 1);

    REQUIRE_CMP(kill(child, SIGKILL), ==, 0);
    REQUIRE_CMP(waitpid(child, &status, 0), ==, child);
    REQUIRE_CMP(count_entries(), ==, before + 1); /* what it left */
    REQUIRE_CMP(open_folder(&f, KEY), ==, 2);
    require_file(&f, "engine.onnx", "second", 6);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(count_entries(), ==, before);
    REQUIRE_CMP(close(ready[0]), ==, 0);
    REQUIRE_CMP(close(ready[1]), ==, 0);
}

/* A draft of an entry that somebody may be writing stays; one that nobody writes any more goes. */
static void test_drafts(void)
{
    SsCacheEntry e = entry(KEY);
    SsCacheFolder f;

    REQUIRE_CMP(ss_cache_begin(&e), ==, 0);
    REQUIRE_CMP(open_folder(&f, KEY), >=, 0);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(access(e.draft, F_OK), ==, 0);
    REQUIRE_CMP(utime(e.draft, &(struct utimbuf) { 1000, 1000 }), ==, 0);
    REQUIRE_CMP(open_folder(&f, KEY + 1), >=, 0); /* not another entry's */
    ss_cache_folder_close(&f);
    REQUIRE_CMP(access(e.draft, F_OK), ==, 0);
    REQUIRE_CMP(open_folder(&f, KEY), >=, 0);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(access(e.draft, F_OK), ==, -1);
}

static void test_no_place(void)
{
    SsCacheEntry e = entry(KEY);
    SsCacheFolder f;

    snprintf(e.path, sizeof e.path, "%s", in_folder("no such folder/x.blob"));
    REQUIRE_CMP(ss_cache_folder_open(&f, &e), ==, -ENOENT);
    REQUIRE_CMP(f.lock, ==, -1);
    ss_cache_folder_close(&f);
    REQUIRE_CMP(open_folder(&f, KEY), >=, 0);
    snprintf(f.entry.path, sizeof f.entry.path, "%s", in_folder("no such folder/x.blob"));
    REQUIRE_CMP(ss_cache_folder_keep(&f), ==, -ENOENT);
    ss_cache_folder_close(&f);
}

int main(void)
{
    REQUIRE(mkdtemp(folder));
    test_round_trip();
    test_damage();
    test_foreign();
    test_two_and_a_kill();
    test_drafts();
    test_no_place();
    remove_all();
    return 0;
}
