/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker on a file of detections as the MOT challenge writes them (frame, -1, left, top, width, height,
 * score,
 * ..., by frame): frame, id, left, top, width, height to standard output, updates a second to standard error.
 *
 *   track [--every N] [--fps F] [--repeat N] [--start SCORE] [--confirm N] [--coast SECONDS] FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/tracker.h"

enum { MOST = 100000 };

typedef struct Line {
    int frame;
    SsDetection detection;
} Line;

typedef struct Options {
    int every, repeat;
    double fps;
    const char *file;
    SsTrackerParams tracker;
} Options;

static void refuse(const char *what, const char *which)
{
    fprintf(stderr, "track: %s: %s\n", what, which);
    exit(2);
}

static Options parse(int argc, char **argv)
{
    Options o = {
        .every = 1, .repeat = 1, .fps = 25, .tracker = { .start_score = 0.6f, .confirm = 3, .smooth = true }
    };

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (argv[i][0] != '-') {
            o.file = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--every") == 0)
            o.every = atoi(value);
        else if (strcmp(argv[i], "--fps") == 0)
            o.fps = atof(value);
        else if (strcmp(argv[i], "--repeat") == 0)
            o.repeat = atoi(value);
        else if (strcmp(argv[i], "--start") == 0)
            o.tracker.start_score = (float)atof(value);
        else if (strcmp(argv[i], "--confirm") == 0)
            o.tracker.confirm = atoi(value);
        else if (strcmp(argv[i], "--coast") == 0)
            o.tracker.coast = (int64_t)(1e9 * atof(value));
        else
            refuse("unknown option", argv[i]);
        i++;
    }
    if (!o.file || o.every < 1 || o.repeat < 1 || o.fps <= 0)
        refuse("usage", "track [OPTIONS] FILE; numbers above 0");
    return o;
}

static int read_lines(const char *path, Line *line)
{
    FILE *f = fopen(path, "r");
    char text[512];
    int n = 0;

    if (!f)
        refuse("cannot open", path);
    while (n < MOST && fgets(text, sizeof text, f)) {
        SsBox b;
        Line *l = &line[n];
        if (sscanf(text, "%d,%*f,%f,%f,%f,%f,%f", &l->frame, &b.x, &b.y, &b.w, &b.h, &l->detection.score) !=
            6)
            refuse("not a line of detections", text);
        l->detection.box = b;
        n++;
    }
    fclose(f);
    return n;
}

/** Returns the count of updates. */
static int track(const Options *o, const Line *line, int n, FILE *out)
{
    SsTracker *t;
    SsObject object[SS_MAX_OBJECTS];
    SsDetection detection[SS_MAX_OBJECTS];
    int updates = 0, at = 0;

    if (ss_tracker_create(&t, &o->tracker) < 0)
        refuse("out of memory", o->file);
    for (int frame = 1; n > 0 && frame <= line[n - 1].frame; frame++) {
        int count = 0;

        for (; at < n && line[at].frame == frame; at++)
            if (count < SS_MAX_OBJECTS)
                detection[count++] = line[at].detection;
        if ((frame - 1) % o->every != 0)
            continue;
        const int shown = ss_tracker_update(t, (int64_t)(frame * 1e9 / o->fps), detection, count, object);
        updates++;
        for (int i = 0; out && i < shown; i++)
            fprintf(out, "%d,%llu,%.3f,%.3f,%.3f,%.3f\n", frame, (unsigned long long)object[i].id,
                    object[i].box.x, object[i].box.y, object[i].box.w, object[i].box.h);
    }
    ss_tracker_destroy(&t);
    return updates;
}

int main(int argc, char **argv)
{
    const Options o = parse(argc, argv);
    Line *line = calloc(MOST, sizeof *line);
    int updates = 0;

    if (!line)
        refuse("out of memory", o.file);
    const int n = read_lines(o.file, line);
    track(&o, line, n, stdout);
    const int64_t start = ss_now_ns();
    for (int i = 0; i < o.repeat; i++)
        updates += track(&o, line, n, NULL);
    fprintf(stderr, "%.0f\n", updates / ((double)(ss_now_ns() - start) * 1e-9));
    free(line);
    return 0;
}
