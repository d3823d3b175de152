/* SPDX-License-Identifier: Apache-2.0 */
/** OpenVINO's errors, ports and shapes in our terms. */
#ifndef SS_BACKEND_OPENVINO_PORTS_H
#define SS_BACKEND_OPENVINO_PORTS_H

#include <openvino/c/openvino.h>

#include "sidestream/backend.h"

/** The lines that say something, in one: without the C++ files that threw. Writes at most `size` bytes. */
void ss_ov_last_error(char *text, size_t size, ov_status_e status);
/** The one place where OpenVINO's errors become ours: returns 0 or -errno, logs "what: OpenVINO's words". */
int ss_ov_check(const SsLogger *log, ov_status_e status, const char *fmt, ...) SS_PRINTF(3, 4);

/** Gives the model's one input, a picture, the size its shape leaves open. Errors: -EPROTO (no picture),
 * -EIO. */
int ss_ov_fix_shape(ov_model_t *model, const SsModelParams *p, const SsLogger *log);
/** Fills m->input. */
int ss_ov_describe_input(SsModel *m, const ov_compiled_model_t *compiled);
/** Fills m->output and m->n_outputs; m->output[i] is OpenVINO's output port_of[i]. Errors: -EPROTO (none),
 * -EIO. */
int ss_ov_describe_outputs(SsModel *m, const ov_compiled_model_t *compiled, size_t *port_of);

#endif
