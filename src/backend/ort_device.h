/* SPDX-License-Identifier: Apache-2.0 */
/** Where ONNX Runtime computes: its execution providers under the names that users give them. */
#ifndef SS_BACKEND_ORT_DEVICE_H
#define SS_BACKEND_ORT_DEVICE_H

#include <stdbool.h>

#include "backend/ort_library.h"

/** Names of the devices to try for `auto`, best first; the last is "cpu". NULL past the end. */
extern const char *const ss_ort_devices[];
/** Is this "cpu"? */
bool ss_ort_device_is_cpu(const char *device);
/**
 * May inferences of one session run in parallel there? TensorRT's have one execution context a session:
 * two at once fail (measured with TensorRT-RTX 1.5: "execution context enqueue failed").
 */
bool ss_ort_device_is_parallel(const char *device);
/**
 * Lets `options` compute on `device`: cpu, cuda, tensorrt, tensorrt-rtx, any with ":N" for the Nth, or an
 * execution provider by its own name. `settings`: "key=value,..."; those that are not ours
 * (ss_ort_is_own_setting()) go to the provider. Errors: -ENOTSUP (not on this machine, or not in this
 * library), -EINVAL (a setting), -errno; `why` (at most `size` bytes) says what and is not logged.
 */
int ss_ort_device_use(const SsOrt *ort, OrtSessionOptions *options, const char *device, const char *settings,
                      char *why, size_t size);
/** "key=value" that the backend itself understands; all others are a provider's. */
bool ss_ort_is_own_setting(const char *item, size_t length);

#endif
