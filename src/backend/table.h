/* SPDX-License-Identifier: Apache-2.0 */
/** The backends of this build; the table itself is in core/model.c. */
#ifndef SS_BACKEND_TABLE_H
#define SS_BACKEND_TABLE_H

#include "sidestream/backend.h"

extern const SsBackend ss_backend_dummy;
#ifdef SS_HAVE_ONNXRUNTIME
extern const SsBackend ss_backend_onnxruntime;
#endif
#ifdef SS_HAVE_OPENVINO
extern const SsBackend ss_backend_openvino;
#endif

#endif
