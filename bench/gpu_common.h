/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the measurements of GPUs share. On their command lines: MODEL: its file, and @WIDTHxHEIGHT or
 * @WIDTHxHEIGHTxBATCH for the input of one that leaves it open; DEVICE of ONNX Runtime; OPTIONS: as
 * --model-options, "" = none; FRAMES: a file of pictures one after the other, NV12.
 */
#ifndef SS_GPU_COMMON_H
#define SS_GPU_COMMON_H

#include "sidestream/engine.h"

typedef struct Film {
    uint8_t *data;
    int width, height, n;
} Film;

/** Errors to standard error. */
extern SsLogger logger;

/** One line, exit code 1. */
_Noreturn void fail(const char *what, const char *which);
/** MODEL, DEVICE, OPTIONS; cuts off MODEL's size. The cache: $SIDESTREAM_CACHE, if set. */
SsModelParams read_model(char **arg);
/** FRAMES; `size`: WIDTHxHEIGHT. The data is ss_memory_new()'s, the caller's to free. */
Film read_film(const char *path, const char *size);
/** The i-th, over and over. */
SsFrameDesc picture(const Film *f, int i);
void sleep_for(double seconds);
/** Seconds of a processor that `who` (getrusage()) has had. */
double own_cpu(int who);
/** By the clock of core/clock.h. */
void sleep_until(int64_t when);
/** What ssinfer and ssoverlay do with a frame, less the drawing: the i-th of the film, for the time `pts`.
 * Returns how often the thread gave up the processor by itself meanwhile. */
long show_frame(SsStream *s, const Film *film, int i, int64_t pts);

#endif
