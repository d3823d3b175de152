/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A small grey picture of a frame, and half and quarter of it, for following what its pixels do (motion.h).
 * Made once a frame on the stream's thread.
 *
 * Pictures of a stream are a chain: each knows the next younger one. Whoever holds a picture holds with it
 * all that came after, so a worker that has looked at an old frame can walk to the present. Nobody waits: a
 * link is written once, references are counted, and memory that is let go is used again.
 */
#ifndef SS_PICTURE_H
#define SS_PICTURE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sidestream/frame.h"
#include "sidestream/track.h"

enum {
    SS_PICTURE_LEVELS = 3,
    SS_PICTURE_SIDE = 480,   /* pixels; the largest width of level 0 is below it */
    SS_PICTURE_RESERVE = 40, /* pictures that there are at least: a second at 30, and those alone */
    SS_PICTURE_ALONE = 6,    /* of those, for who holds one that hangs together with none */
    SS_PICTURE_BEYOND = 8,   /* bytes that may be read beyond a level's row after the last */
};

typedef struct SsGrey {
    int width, height;
    uint8_t *data; /* rows without gaps; a row and SS_PICTURE_BEYOND bytes after the last may be read */
} SsGrey;

typedef struct SsAlbum SsAlbum;

typedef struct SsPicture {
    int64_t pts;
    int scale;  /* a pixel of level 0 is so many of the frame's a side */
    int levels; /* 1 .. SS_PICTURE_LEVELS; each half of the one before */
    SsGrey level[SS_PICTURE_LEVELS];
    /* --- delay.h; set by who adds it, before others see it: */
    int64_t came; /* by the clock; ns */
    /* --- and when the network has seen it, or one after it: */
    atomic_int answers; /* so many; -1: not yet */
    SsObject answer[SS_MAX_OBJECTS];
    /* --- picture.c's own */
    SsAlbum *album;
    unsigned number;         /* of those that the album was given */
    struct SsPicture *spare; /* the next of those that wait to be used again */
    _Atomic(struct SsPicture *) next;
    atomic_int refs;
} SsPicture;

/**
 * The pictures of one stream. `longest`: so many hang together at most; then the chain is cut, and who stands
 * before the cut cannot walk on (a network that hangs does not eat the memory). What is kept in reserve grows
 * with what was needed, to as many and SS_PICTURE_ALONE more. Errors: -ENOMEM. Thread: control.
 */
int ss_album_create(SsAlbum **out, int longest);
/** References to its pictures may outlive it. Thread: control, when the stream's thread is done. */
void ss_album_destroy(SsAlbum **a);
/** A pixel of level 0 is so many of the frame's a side. */
int ss_picture_scale(int width, int height);
/** Adds the picture of a frame; returns a new reference to it, NULL: out of memory. Thread: the stream's. */
SsPicture *ss_album_add(SsAlbum *a, const SsFrameDesc *frame);
/** The same of a frame whose level 0 is `grey`, SS_PIXEL_GRAY8, at ss_picture_scale(). */
SsPicture *ss_album_add_shrunk(SsAlbum *a, const SsFrameDesc *grey, int scale);
/** From here on so many hang together at most. Thread: the stream's. */
void ss_album_set_longest(SsAlbum *a, int longest);
/** So many there are at least, made one with a frame; fewer are not given back. Thread: the stream's. */
void ss_album_set_reserve(SsAlbum *a, int pictures);
/** The next frame's picture is no continuation of what came before. Thread: the stream's. */
void ss_album_cut(SsAlbum *a);

/** A new reference. Thread: any. */
SsPicture *ss_picture_ref(SsPicture *p);
/** Thread: any. */
void ss_picture_unref(SsPicture **p);
/** Is `to` this one or one of those after it? Thread: any. */
bool ss_picture_leads_to(const SsPicture *from, const SsPicture *to);
/** So many are younger, in the same chain or not. Thread: any. */
int ss_picture_followers(const SsPicture *p);
/** The next younger one, borrowed as long as `p` is held; NULL: none (yet). Thread: any. */
SsPicture *ss_picture_next(const SsPicture *p);

#endif
