/* SPDX-License-Identifier: Apache-2.0 */
/** Where ONNX Runtime computes: its execution providers under the names that users give them. */
#ifndef SS_BACKEND_ORT_DEVICE_H
#define SS_BACKEND_ORT_DEVICE_H

#include <stdbool.h>

#include "backend/ort_session.h"

/** Names of the devices to try for `auto`, best first; the last is "cpu". NULL past the end. */
extern const char *const ss_ort_devices[];
/** Is this "cpu"? */
bool ss_ort_device_is_cpu(const char *device);
/**
 * What sessions on that device take in turns, for the whole process; NULL = nothing. TensorRT-RTX 1.5's
 * provider is not safe in several threads: inferences at once of one session, and of several, fail or crash.
 * A session each that take turns are no slower than one (docs/design.md).
 */
SsOrtTurn *ss_ort_device_turn(const char *device);
/** Is there an NVIDIA GPU here, whatever can be made of it? */
bool ss_ort_device_any_gpu(void);
/** The number of the NVIDIA device that `device` means; -1: it means none, or none known here. */
int ss_ort_device_gpu(const char *device);
/** Does a session there compute on a stream that it is given? */
bool ss_ort_device_takes_stream(const char *device);
/** What a device makes of a network that another start can use. */
typedef enum SsOrtKeeps {
    SS_ORT_KEEPS_NOTHING,
    SS_ORT_KEEPS_FILES,  /* the provider's own, which it finds again by itself */
    SS_ORT_KEEPS_ENGINE, /* those, and the compiled network as a model that is loaded in place of the first */
} SsOrtKeeps;

/** SS_ORT_KEEPS_NOTHING, too, where `settings` give the provider a folder of the user's. */
SsOrtKeeps ss_ort_device_keeps(const char *device, const char *settings);
/** What its results on disk are good for: the provider's file, the GPU, the driver. At most `size` bytes. */
void ss_ort_device_identity(const SsOrt *ort, const char *device, const char *settings, char *text,
                            size_t size);
/** How a device is to be used. */
typedef struct SsOrtUse {
    const char *settings;  /* "key=value,..."; those that are not ours go to the provider */
    const char *precision; /* SsModelParams.precision */
    const char *folder;    /* where it finds and keeps files of its own; NULL = nowhere */
    void *stream;          /* to compute on, which outlives the session; NULL = one of its own */
} SsOrtUse;

/**
 * Lets `options` compute on `device`: cpu, cuda, tensorrt, tensorrt-rtx, any with ":N" for the Nth, or an
 * execution provider by its own name. Errors: -ENOTSUP (not on this machine, or not in this
 * library), -EINVAL (a setting), -errno; `why` (at most `size` bytes) says what and is not logged.
 */
int ss_ort_device_use(const SsOrt *ort, OrtSessionOptions *options, const char *device, const SsOrtUse *use,
                      char *why, size_t size);

#endif
