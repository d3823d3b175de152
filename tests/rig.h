/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `ssinfer` in a harness, on the backend "dummy". The thread of the test is the stream's thread. What
 * a worker does is made certain with the dummy's gates: when the n-th inference has arrived at a
 * gate, the n-1 before are published.
 */
#ifndef SS_TEST_RIG_H
#define SS_TEST_RIG_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

enum { GATE = 0, LOAD_GATE = 1, WIDTH = 64, HEIGHT = 48, PERIOD_MS = 40 };

#define CAPS   "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1"
#define PERIOD (PERIOD_MS * GST_MSECOND)

typedef struct Rig {
    GstHarness *h;
    GstElement *infer; /* owned by the harness' element */
    GstBus *bus;
} Rig;

/** `launch` is one element ssinfer, or a chain with one. The harness starts it. */
Rig rig_caps(const char *launch, const char *caps);
Rig rig_new(const char *launch);
/** Gate 0 is shut, the result of frame `n` is there, frame `n` + 1 is in the network. */
Rig rig_with_result(const char *launch, guint n);
void rig_free(Rig *rig);
/** A bus of its own for an element that is in no pipeline. */
GstBus *watch(GstElement *element);

/** A field of `stats`. */
guint64 counter(const Rig *rig, const char *name);
/** While no worker is between two counters. */
void assert_every_frame_has_its_fate(const Rig *rig);
gboolean is_in_state(const Rig *rig, const char *state);
void await_state(const Rig *rig, const char *state);
/** The next "sidestream-state" message is "running", "running, a stand-in", or "failed: why"; NULL: there is
 * none. */
void assert_next_state(GstBus *bus, const char *expected);
/** The same, after one that says "loading", if it came to that. */
void assert_next_state_but_loading(GstBus *bus, const char *expected);

GstBuffer *make_frame(guint64 pts, guint8 brightness);
/** In, and out again at once. */
GstBuffer *pass(const Rig *rig, GstBuffer *buffer);
/** The same, whose memory comes out as it went in; and waits until the network is done with it. */
GstBuffer *pass_to_its_end(const Rig *rig, GstBuffer *buffer);
/** Of a kind of memory that only these functions know, as a GPU's is. `free` ends what gst_memory_init()
 * began. */
GstAllocator *allocator_new(const char *type, GstMemoryMapFullFunction map, void (*free)(GstMemory *memory));
/** The n-th frame of the video, in such memory, which it takes. */
GstBuffer *frame_in(GstMemory *memory, guint n);
/** The n-th frame of the video. */
void pass_frame(const Rig *rig, guint n);
/** The next "sidestream-delay" message; the LATENCY message follows it. FALSE: there is none. */
gboolean delay_told(GstBus *bus, gboolean *live, gint64 *delay);
void push_segment(const Rig *rig, guint64 start, guint64 base);

guint count_objects(GstBuffer *buffer);
const GstVideoRegionOfInterestMeta *nth_object(GstBuffer *buffer, guint n);
const GstStructure *param_of(const GstVideoRegionOfInterestMeta *meta, const char *name);
/** Running time of the frame that the first object of `buffer` comes from. */
guint64 source_of(GstBuffer *buffer);

/* A file of tests each. */
void add_object_tests(TCase *tc);
void add_life_tests(TCase *tc);
void add_status_tests(TCase *tc);
void add_privacy_tests(TCase *tc);
void add_slow_tests(TCase *tc);
void add_sync_tests(TCase *tc);
/** All of an executable; what its main() returns. */
int run_tests(TCase *tc, int argc, char **argv);

/** As one whose pictures come from a pool of its own: with one of them, a reference. */
typedef struct Decoder {
    GstBufferPool *pool;
    GstBuffer *decoded;
    gboolean *gone; /* the pool has thrown it away */
} Decoder;

Decoder decoder_new(guint64 pts);
/** It never left the pool for good, and is the next that the pool gives out. Ends the decoder. */
void decoder_has_it_back(Decoder *d);

#endif
