/* SPDX-License-Identifier: Apache-2.0 */
/** Inferences of a session on an NVIDIA GPU that begin and end apart (SsBackend.request_start()). */
#ifndef SS_BACKEND_ORT_FLIGHT_H
#define SS_BACKEND_ORT_FLIGHT_H

#include "backend/ort_session.h"

enum { SS_ORT_LANES = 2 };

/** What two requests of a session share. */
typedef struct SsOrtFlight SsOrtFlight;

/**
 * Puts an inference on the session's stream: its input is run->on_device, which ss_ort_gpu_convert() has put
 * there before. `lane`: 0 or 1, whose results they are; one is under way on each at most. `*out`: NULL before
 * the first call, which makes it. Errors: -ENOTSUP, not logged: not in this session, or not of this input;
 * else logged.
 */
int ss_ort_flight_start(SsOrtFlight **out, const SsOrtSession *s, int lane, const SsOrtRun *run,
                        const SsTensor *output);
/** Until that has ended; sets data of `output`, valid until the next one of that lane. */
int ss_ort_flight_wait(SsOrtFlight *flight, const SsOrtSession *s, int lane, SsTensor *output);
/** None is under way. Before the session is closed. */
void ss_ort_flight_close(SsOrtFlight **out, const SsOrtSession *s);

#endif
