/* SPDX-License-Identifier: Apache-2.0 */
/** What engine.c, worker.c and stream.c share. */
#ifndef SS_ENGINE_PRIVATE_H
#define SS_ENGINE_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "delay.h"
#include "frame_private.h"
#include "gpu_sight.h"
#include "histogram.h"
#include "image.h"
#include "model.h"
#include "patience.h"
#include "reach.h"
#include "store.h"

/* Pictures in a row that a stream keeps at most for results to come, of a network that is so slow or with
 * `delay`: two seconds at 60 a second. */
enum { SS_LONGEST_CHAIN = 128 };

enum { SS_MAX_WORKERS = 16, SS_MAX_ERROR = 512, SS_FLIGHTS = 2 };

/** A model and what it takes to use it. Written by the worker that loads it, before others see it. */
typedef struct SsNetwork {
    SsModel model;
    const SsDecoder *decoder;
    SsInputParams input; /* nothing at default */
    int64_t load_ns;
} SsNetwork;

/** A frame that the network has looked at. */
typedef struct SsLook {
    unsigned epoch;     /* of the stream when it was offered */
    int64_t pts, came;  /* of the stream; by the clock */
    SsPicture *picture; /* a reference; NULL: none was made */
} SsLook;

/** A frame of a stream in an inference. */
typedef struct SsSeat {
    SsStream *stream; /* a reference */
    SsFrame *frame;   /* a reference: it is still read; else NULL */
    SsLook look;
    SsGeometry geometry;
} SsSeat;

/** A request, and the frames that it is for between begin() and end() of worker.c. */
typedef struct SsFlight {
    SsRequest request;
    SsSeat seat[SS_MAX_BATCH];
    int n;           /* of those that are taken */
    int64_t started; /* the inference */
    bool in_flight;  /* it has been begun and goes on by itself */
    int ret;         /* -errno: it has failed already */
} SsFlight;

typedef struct SsWorker {
    SsEngine *engine;
    SsNetwork *network;
    pthread_t thread;
    bool started; /* set by the thread that starts it, control or worker 0, before that starts others */
    /* --- the worker's thread only */
    SsFlight flight[SS_FLIGHTS];
    int flights; /* of those with a request: one, or two that take turns */
    SsImage *image;
    int64_t free_since; /* when it last had nothing to do */
    int64_t service;    /* from taking a frame to being free again, smoothed; 0 = not known yet */
    SsPatience patience;
    SsDetection detection[SS_MAX_OBJECTS];
} SsWorker;

struct SsEngine {
    /* --- set in create, then constant */
    SsEngineParams params; /* its strings are the engine's own */
    const SsBackend *backend;
    SsLogger log;   /* remembers the last error, then passes on to params.log */
    SsLogger aside; /* the stand-in's */

    /* What is asked for, loaded by worker 0; and the same on another device, loaded by the stand-in, which
     * answers until worker 0 has. */
    SsNetwork wanted, instead;
    _Atomic(SsNetwork *) answers; /* of those; NULL: none, as long as the state is not SS_RUNNING; written
                                     under lock */
    atomic_int_fast64_t began;    /* loading what is wanted, by the clock */
    atomic_bool relieved;         /* the stand-in is to go; written under lock */

    atomic_int state;           /* SsState; written under lock */
    atomic_uint_fast64_t calls; /* inferences so far, of a picture or several */
    atomic_bool stopping;
    sem_t work; /* one post for each slot that became full: at least as many as full slots */
    SsWorker worker[SS_MAX_WORKERS], stand_in;

    pthread_mutex_t lock;   /* leaf; never taken on a stream's thread but in create/destroy */
    pthread_cond_t changed; /* state or stopping */
    /* --- guarded by lock */
    SsStream *streams; /* list through SsStream.next */
    uint64_t served;   /* frames handed to workers so far */
    char error[SS_MAX_ERROR];
    unsigned error_repeats;
};

/** What the stream was last told. */
typedef struct SsTold {
    bool any;                    /* there was a result */
    int64_t pts, came, interval; /* of that */
    int64_t at;                  /* pts of the frame that it was told of */
    int64_t age;                 /* of its objects */
} SsTold;

struct SsStream {
    /* --- set in create, then constant */
    SsEngine *engine;
    SsStreamParams params;

    /* --- the stream's thread only */
    uint64_t seen;      /* frames, for `every` */
    int64_t last_offer; /* monotonic clock; 0 = none yet */
    int64_t due;        /* pts of the next frame that max_rate lets through */
    SsAlbum *album;
    int64_t first;                     /* pts of the first picture since a flush; INT64_MIN: none yet */
    SsPicture *picture;                /* of the newest frame; NULL: none was made */
    int paced;                         /* pictures since `first`, until the rate is known */
    SsGpuSight gpu_sight;              /* takes part of itself to the workers */
    int64_t gap;                       /* between two pictures, on average; 0: not known */
    SsPicture *held[SS_LONGEST_CHAIN]; /* a ring: of the frames that are still to be shown */
    int first_held, n_held;
    SsTold told;

    /* --- handed over by exchange */
    _Atomic(SsFrame *) slot; /* the newest unread frame */
    SsStore store;
    atomic_int align;   /* SsAlign; from any thread */
    atomic_bool delays; /* written by the stream's thread: frames are shown late */
    atomic_uint epoch;  /* written by the stream's thread: flushes so far */
    atomic_int_fast64_t
        period;           /* written by the stream's thread: between offers, smoothed; 0 = not known yet */
    atomic_int processor; /* the same; that it offers on, -1 = unknown */

    atomic_int refs; /* the caller's, and one for each frame of it that a worker has */

    /* --- guarded by engine->lock */
    SsStream *next;
    uint64_t last_served; /* value of engine->served */

    pthread_mutex_t update; /* serialises workers with results of this stream; taken alone */
    /* --- guarded by update */
    SsFollower follower;
    SsDelay delay;
    unsigned follower_epoch;
    SsReach reach; /* what it has come to is read by the stream's thread */

    /* --- statistics, from any thread */
    atomic_uint_fast64_t offered, skipped, replaced, inferred, late, failed, in_flight, waits, fetched,
        unseen;
    SsHistogram inference, take, age;
    atomic_int_fast64_t inference_now; /* smoothed; 0 = none yet */
};

/** What is 0 in `p` becomes what it stands for. */
void ss_engine_defaults(SsEngineParams *p);
/** Thread body; `arg`: SsWorker. */
void *ss_worker_main(void *arg);
/** SS_RUNNING, with what `n` answers. false: it is the stand-in's, and comes too late. Thread: worker. */
bool ss_engine_answers(SsEngine *e, SsNetwork *n);
/** What is wanted cannot be had: SS_FAILED. Thread: worker. */
void ss_engine_fail(SsEngine *e);
/** The stand-in may go. Thread: worker. */
void ss_engine_relieve(SsEngine *e);
/** Starts one of the engine's workers with all signals blocked. Errors: -EAGAIN. */
int ss_engine_start_worker(SsEngine *e, SsWorker *w);
/** Is there but one stream? Thread: worker. */
bool ss_engine_has_one_stream(SsEngine *e);
/** The frame of the stream that has waited longest for its turn; NULL: none. *s: a new reference. Thread:
 * worker. */
SsFrame *ss_engine_take(SsEngine *e, SsStream **s);
/** An inference took so long. Thread: worker. */
void ss_stream_note_inference(SsStream *s, int64_t ns);
/** What was detected (pixels of the frame) there; takes the reference to the picture. Thread: worker. */
void ss_stream_publish(SsStream *s, SsLook *look, const SsDetection *det, int n);
/** A frame that was taken goes unread after all, and with it the worker's reference. Thread: worker. */
void ss_stream_give_up(SsStream *s, SsFrame **frame);
/** Drops a reference. Thread: any. */
void ss_stream_unref(SsStream *s);

#endif
