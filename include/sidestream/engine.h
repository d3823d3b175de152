/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The engine: one model, its workers, any number of video streams.
 *
 *     SsEngine *engine;
 *     SsStream *stream;
 *     ss_engine_create(&engine, &(SsEngineParams){ .model.path = "model.xml" });
 *     ss_engine_start(engine);                        // returns at once, the model loads aside
 *     ss_stream_create(&stream, engine, &(SsStreamParams){ 0 });
 *     for every frame:
 *         ss_stream_see(stream, &desc);                 // if boxes are to move with the picture
 *         n = ss_stream_objects_at(stream, pts, objects, SS_MAX_OBJECTS);
 *         ss_stream_offer(stream, frame);             // never waits
 *         draw and show the picture with its n objects
 *     ss_stream_destroy(&stream);
 *     ss_engine_destroy(&engine);
 *
 * The calls a frame are wait-free: they take no lock, so neither a model that
 * loads, an inference that hangs, nor a worker that lost the processor can hold the
 * stream's thread.
 */
#ifndef SIDESTREAM_ENGINE_H
#define SIDESTREAM_ENGINE_H

#include <stdbool.h>

#include "backend.h"
#include "frame.h"
#include "track.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct SsEngine SsEngine;
typedef struct SsStream SsStream;

typedef enum SsState {
    SS_STOPPED, /* not started, or stopped */
    SS_LOADING, /* the model is being read and compiled */
    SS_RUNNING,
    SS_FAILED, /* the model could not be loaded; the streams go on without */
} SsState;

/** Stable lower-case word: "stopped", "loading", "running", "failed". */
SS_API const char *ss_state_name(SsState state);

typedef struct SsEngineParams {
    const char *backend; /* NULL = the first that is built in */
    const char *decoder; /* NULL = the first that fits the model's outputs */
    SsModelParams model;
    SsInputParams input;
    SsTrackerParams tracker; /* of start_score, 0 = threshold; of coast, 0 = 1 s */
    float threshold;         /* detections below start no object; 0 = 0.3 */
    float faint;   /* those below are dropped; an object that is followed goes on; 0 = threshold / 3 */
    float nms_iou; /* of two boxes of one class that overlap more, one goes; 0 = 0.45 */
    int workers;   /* 0 = 1; at most 16. The engine holds one frame a stream that waits and one a worker
                      that is read; of those in ss_memory_new() also max(workers, 2) x batch at most */
    int nice;      /* added to the workers' nice value (Linux); 0 = 10, -1 = leave it */
    int64_t simulate_latency; /* every inference takes at least this long; 0 = as long as it takes */
    SsLogger log;
} SsEngineParams;

/**
 * Copies `p`, strings too. Checks what can be checked at once (backend and decoder
 * names, the model's file), so that a typing error fails here.
 * Errors: -EINVAL, -ENOENT, -ENOTSUP, -ENOMEM.
 */
SS_API int ss_engine_create(SsEngine **out, const SsEngineParams *p);
/** Starts the workers; the first loads the model; after SS_FAILED it tries again. Returns at once. Errors:
 * -EAGAIN (no thread). Thread: control. */
SS_API int ss_engine_start(SsEngine *e);
/**
 * Waits for the inference or load in progress, no longer; then no worker runs.
 * Idempotent; streams stay and may go on offering, in vain. Thread: control.
 */
SS_API void ss_engine_stop(SsEngine *e);
/** Stops it first. Every stream of it has been destroyed. */
SS_API void ss_engine_destroy(SsEngine **e);
/** Thread: any. Never blocks. */
SS_API SsState ss_engine_state(const SsEngine *e);
/**
 * Blocks until the engine is not SS_LOADING any more, and no stand-in answers; returns the state. For tools
 * that have nothing to show; a stream's thread has no business here.
 */
SS_API SsState ss_engine_wait_loaded(SsEngine *e);
/** The last error's text, "" if none. Copies at most `size` bytes with the NUL. Thread: any. */
SS_API void ss_engine_error(SsEngine *e, char *text, size_t size);

/**
 * For how long, in ns, another device has answered in place of the one that is asked for, which is still
 * being got ready (a GPU's engine is built for seconds to minutes); -1: the one asked for answers, or none.
 * Thread: any. Never blocks.
 */
SS_API int64_t ss_engine_standing_in(const SsEngine *e);

/** Inferences so far, of one picture or of several (SsModelParams.batch). Thread: any. Never blocks. */
SS_API uint64_t ss_engine_calls(const SsEngine *e);

/** What the model that answers is; valid in SS_RUNNING, else -EAGAIN. */
typedef struct SsModelInfo {
    const char *backend, *decoder;          /* static strings */
    SsTensor input, output[SS_MAX_OUTPUTS]; /* data NULL; input.dim[0] is the batch */
    int n_outputs;
    int n_classes;      /* 0 = the outputs do not tell */
    int first_class_id; /* of the first line in a labels file */
    int64_t load_ns;    /* time the load took */
} SsModelInfo;
/* Thread: any, but not beside stop, destroy. */
SS_API int ss_engine_model_info(SsEngine *e, SsModelInfo *out);

/** What is done about a result being late. */
typedef enum SsAlign {
    SS_ALIGN_HOLD,  /* nothing: boxes are where their objects were */
    SS_ALIGN_LIVE,  /* boxes are carried to the newest frame by what its pixels did: see ss_stream_see() */
    SS_ALIGN_DELAY, /* frames are shown late, when the network has seen them or one after them, with exact
                       boxes: see ss_stream_delay() */
} SsAlign;

/** Stable lower-case word, from 0 up: "hold", "live", "delay"; NULL: there is no such way. Static. Thread:
 * any. */
SS_API const char *ss_align_name(SsAlign align);
/** Errors: -EINVAL: no way has this name. Thread: any. */
SS_API int ss_align_from_name(const char *name, SsAlign *out);

enum { SS_DEFAULT_MAX_DELAY = 2000000000 }; /* ns */

typedef struct SsStreamParams {
    int every;       /* offer only every Nth frame to the network; 0 = 1 */
    double max_rate; /* inferences a second of stream time, at most; 0 = no limit */
    SsAlign align;
    int64_t max_age; /* ns; an object that the network misses or whose pixels are lost, with SS_ALIGN_LIVE
                        also that of a network fallen silent, is gone after it; 0 = 1 s */
    int64_t budget;  /* ns; SS_ALIGN_LIVE: for carrying boxes, on the stream's thread; what is left when it is
                        spent moves by its velocity, at the expense of one box at most; 0 = 0.5 ms */
    int64_t max_delay; /* ns; SS_ALIGN_DELAY: frames are held back for no longer; 0 = 2 s */
} SsStreamParams;

/** Joins a running or a stopped engine. Errors: -EINVAL, -ENOMEM. Thread: control. */
SS_API int ss_stream_create(SsStream **out, SsEngine *e, const SsStreamParams *p);
/** No offer/objects_at is running. Waits for no inference: a result in flight is dropped when it arrives. */
SS_API void ss_stream_destroy(SsStream **s);
/**
 * Hand the newest frame to the network's side; it replaces one that no worker has
 * taken. Takes the caller's reference; a frame is offered once, to one stream.
 * Wait-free in every state. Thread: the stream's.
 */
SS_API void ss_stream_offer(SsStream *s, SsFrame *frame);
/**
 * Would ss_stream_offer() take a frame of this pts? false: it is one that `every`
 * or `max_rate` skips (counted as skipped), so wrapping it can be spared. Call
 * it once a frame; then offer the frame only if true. Thread: the stream's.
 */
SS_API bool ss_stream_wants(SsStream *s, int64_t pts);
/** From the next frame on. Thread: any. */
SS_API void ss_stream_set_align(SsStream *s, SsAlign align);
/**
 * The frame that comes next, whether or not it is offered, before ss_stream_objects_at() and
 * ss_stream_offer() for it: its boxes are carried by what the pixels did since the frame before. Without this
 * call they are held. Reads the first plane of `frame` during the call only; NULL: it cannot be read.
 * Wait-free; allocates until as many small pictures go round as the network needs. Of a frame in a GPU's
 * memory the GPU makes the small picture, some 50 us; after `budget` its boxes are held instead (`unseen`).
 * Nothing to do for SS_ALIGN_HOLD. Thread: the stream's.
 */
SS_API void ss_stream_see(SsStream *s, const SsFrameDesc *frame);
/**
 * SS_ALIGN_DELAY: how long a frame is to be held back now, in ns, before ss_stream_objects_at() is asked for
 * it and it is shown: the 95th percentile of the time until the network has seen a frame as young. 0: not
 * known yet, or another way of aligning; -1: that would be more than `max_delay`, or the network has been
 * silent for so long: boxes are carried as by SS_ALIGN_LIVE, and nothing is held back. Call it after
 * ss_stream_see(). Wait-free. Thread: the stream's.
 */
SS_API int64_t ss_stream_delay(SsStream *s);
/**
 * The objects for the frame of `pts`: writes at most `max` to `out`, returns the count; 0 before the first
 * result. SS_ALIGN_DELAY: an older frame than the last that was seen, which ss_stream_see() has seen;
 * frames are asked for in their order. Wait-free, no allocation. Thread: the stream's.
 */
SS_API int ss_stream_objects_at(SsStream *s, int64_t pts, SsObject *out, int max);
/** How much is known of a frame, and how the network gets on. Nanoseconds. */
typedef struct SsStreamStatus {
    int64_t silent; /* how much younger the frame is than the one that the newest result is of: by their pts,
                       or by the clock when they came, whichever is more; 0: it is not younger; INT64_MAX:
                       there is no result */
    int64_t age;    /* of its objects */
    int64_t interval;  /* from the frame of the result before to that of the newest; 0: it is the first */
    int64_t inference; /* the network alone, smoothed over some eight; 0: none yet */
    uint64_t inferred; /* so many so far */
} SsStreamStatus;
/**
 * Of the frame that ss_stream_objects_at() was last asked for, as it answered. `came`: CLOCK_MONOTONIC, when
 * the frame came. Wait-free. Thread: the stream's.
 */
SS_API void ss_stream_status(const SsStream *s, int64_t came, SsStreamStatus *out);
/**
 * The stream jumped: pts may restart, objects are forgotten, results of frames
 * offered before are refused. Wait-free. Thread: the stream's.
 */
SS_API void ss_stream_flush(SsStream *s);

/** Nanoseconds; 0 where nothing was measured. Percentiles are exact to 1 %. */
typedef struct SsTimes {
    uint64_t count;
    int64_t p50, p95, p99, max, mean;
} SsTimes;

/**
 * The fate of every frame:
 * offered == skipped + replaced + inferred + late + failed + in_flight,
 * exact whenever no thread is inside the stream.
 */
typedef struct SsStreamStats {
    uint64_t offered;
    uint64_t skipped;   /* by every / max_rate */
    uint64_t replaced;  /* a newer one came before a worker was free, or a flush */
    uint64_t inferred;  /* result published */
    uint64_t late;      /* result refused: a newer one was there, or a flush came between */
    uint64_t failed;    /* inference or decoding failed */
    uint64_t in_flight; /* waiting in the slot or in a worker */
    uint64_t fetched;   /* not a fate: frames that had to be brought into the processor's memory */
    uint64_t unseen;    /* not a fate: frames on a GPU whose small picture did not come in time */
    uint64_t waits;     /* not a fate: times a free worker let a frame lie since a younger one was due */
    SsTimes inference;  /* the network alone, simulate_latency included */
    SsTimes take;       /* from "a frame waits and a worker is free" to taken */
    SsTimes age;        /* pts of the frame shown - pts of the frame its objects come from */
} SsStreamStats;
/** Thread: any. */
SS_API void ss_stream_stats(SsStream *s, SsStreamStats *out);

#ifdef __cplusplus
}
#endif
#endif
