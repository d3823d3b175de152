/* SPDX-License-Identifier: Apache-2.0 */
/** What sessions of ONNX Runtime are opened with: the user's wishes, and what the model's file leaves open.
 */
#ifndef SS_BACKEND_ORT_PLAN_H
#define SS_BACKEND_ORT_PLAN_H

#include "backend/ort_relay.h"
#include "backend/ort_session.h"

typedef struct SsOrtPlan {
    const SsOrt *ort;
    SsModelParams params; /* path and options are the plan's; device and cache_dir are not in it */
    SsTensor input;       /* every dim known */
    char axis[SS_MAX_RANK][SS_MAX_NAME]; /* of the input's dims that the file leaves open; else "" */
    bool tries; /* `auto`, a stand-in: settings that are a provider's are for the devices that have one */
    SsOrtRelay *relay;
    const SsLogger *log; /* the relay's */
} SsOrtPlan;

/** Loads the runtime, reads the model's input; `relay` outlives it. Errors: -errno, logged; close it all the
 * same. */
int ss_ort_plan_make(SsOrtPlan *plan, const SsModelParams *p, SsOrtRelay *relay);
void ss_ort_plan_close(SsOrtPlan *plan);

/** Where a device keeps what it made of the network; {0} = nowhere. */
typedef struct SsOrtPlace {
    const char *folder; /* for the provider's own files */
    const char *engine; /* the compiled network's file there; NULL: this device has none */
    bool made;          /* `engine` is there and is what to load; else it is to be written */
} SsOrtPlace;

/** A session on `device`. Errors: -errno, logged. */
int ss_ort_plan_open(SsOrtSession *s, const SsOrtPlan *plan, const char *device, const SsOrtPlace *place);

#endif
