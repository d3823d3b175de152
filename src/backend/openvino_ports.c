/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/openvino_ports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/shape.h"
#include "internal.h"

/* --- errors --- */

void ss_ov_last_error(char *text, size_t size, ov_status_e status)
{
    static const char *const noise[] = { "Exception from ", "Check '", "FrontEnd API failed",
                                         "Failed to create plugin", "Please, check your environment" };
    const char *msg = ov_get_last_err_msg();
    size_t n = 0;

    text[0] = '\0';
    for (const char *line = msg; line && *line;) {
        size_t length = strcspn(line, "\n");
        bool skip = length == 0;

        for (size_t i = 0; i < SS_COUNTOF(noise); i++)
            skip = skip || strncmp(line, noise[i], strlen(noise[i])) == 0;
        if (!skip && n < size) {
            int added = snprintf(text + n, size - n, "%s%.*s", n > 0 ? " " : "", (int)length, line);

            n += added > 0 ? (size_t)added : 0;
        }
        line += length;
        line += *line == '\n';
    }
    if (n == 0)
        (void)snprintf(text, size, "%s", ov_get_error_info(status));
    ov_free(msg);
}

static int to_errno(ov_status_e status)
{
    switch (status) {
    case OK:
        return 0;
    case NOT_IMPLEMENTED:
    case NOT_IMPLEMENT_C_METHOD:
        return -ENOTSUP;
    case NOT_ALLOCATED:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

int ss_ov_check(const SsLogger *log, ov_status_e status, const char *fmt, ...)
{
    char what[512], why[512];
    va_list args;

    if (status == OK)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    ss_ov_last_error(why, sizeof why, status);
    ss_err(log, "OpenVINO: %s: %s", what, why);
    return to_errno(status);
}

/* --- tensors --- */

static bool to_dtype(ov_element_type_e type, SsDType *out)
{
    switch (type) {
    case U8:
        *out = SS_U8;
        return true;
    case I32:
        *out = SS_I32;
        return true;
    case I64:
        *out = SS_I64;
        return true;
    case F16:
        *out = SS_F16;
        return true;
    case F32:
        *out = SS_F32;
        return true;
    default:
        return false;
    }
}

/* Fills name, type and shape. -EPROTO: something that a tensor of ours cannot be; *why says what. */
static int describe(const ov_output_const_port_t *port, SsTensor *t, const char **why)
{
    ov_partial_shape_t shape = { 0 };
    ov_element_type_e type;
    char *name = NULL;
    int ret = -EPROTO;

    *t = (SsTensor) { 0 };
    if (ov_port_get_any_name(port, &name) == OK && name) {
        ss_shape_set_name(t, name);
        ov_free(name);
    }
    if (ov_port_get_element_type(port, &type) != OK || ov_port_get_partial_shape(port, &shape) != OK) {
        *why = "has no type or shape";
        return -EPROTO;
    }
    if (!to_dtype(type, &t->dtype)) {
        *why = "has elements of an unsupported type";
    } else if (shape.rank.min != shape.rank.max || shape.rank.max > SS_MAX_RANK) {
        *why = "has an unknown number of dimensions, or more than 8";
    } else {
        t->rank = (int)shape.rank.max;
        for (int i = 0; i < t->rank; i++)
            t->dim[i] = shape.dims[i].min == shape.dims[i].max ? shape.dims[i].max : -1;
        ret = 0;
    }
    ov_partial_shape_free(&shape);
    return ret;
}

static bool same_tensor(const ov_output_const_port_t *a, const ov_output_const_port_t *b)
{
    char *name_a = NULL, *name_b = NULL;
    bool same = ov_port_get_any_name(a, &name_a) == OK && ov_port_get_any_name(b, &name_b) == OK && name_a &&
                name_b && strcmp(name_a, name_b) == 0;

    ov_free(name_a);
    ov_free(name_b);
    return same;
}

/**
 * A tensor may have several names, of which the C API tells one ("add:0"). So those that
 * the decoders go by are asked for.
 */
static void use_known_name(const ov_compiled_model_t *compiled, const ov_output_const_port_t *port,
                           SsTensor *t)
{
    static const char *const known[] = { "detection_boxes", "detection_scores", "detection_classes",
                                         "num_detections" };

    for (size_t i = 0; i < SS_COUNTOF(known); i++) {
        for (int suffix = 0; suffix < 2; suffix++) {
            ov_output_const_port_t *found = NULL;
            char name[SS_MAX_NAME];

            (void)snprintf(name, sizeof name, "%s%s", known[i], suffix ? ":0" : "");
            if (ov_compiled_model_output_by_name(compiled, name, &found) != OK)
                continue;
            if (same_tensor(port, found))
                (void)snprintf(t->name, sizeof t->name, "%s", known[i]);
            ov_output_const_port_free(found);
        }
    }
}

int ss_ov_describe_outputs(SsModel *m, const ov_compiled_model_t *compiled, size_t *port_of)
{
    size_t n = 0;
    int ret = ss_ov_check(m->log, ov_compiled_model_outputs_size(compiled, &n), "outputs");

    for (size_t i = 0; ret == 0 && i < n; i++) {
        ov_output_const_port_t *port = NULL;
        const char *why = NULL;
        SsTensor t;

        ret = ss_ov_check(m->log, ov_compiled_model_output_by_index(compiled, i, &port), "output %zu", i);
        if (ret < 0)
            break;
        if (describe(port, &t, &why) < 0) {
            ss_info(m->log, "output \"%s\" %s and is left out", t.name, why);
        } else if (m->n_outputs == SS_MAX_OUTPUTS) {
            ss_info(m->log, "output \"%s\" is left out: more than %d", t.name, SS_MAX_OUTPUTS);
        } else {
            use_known_name(compiled, port, &t);
            port_of[m->n_outputs] = i;
            m->output[m->n_outputs++] = t;
        }
        ov_output_const_port_free(port);
    }
    if (ret == 0 && m->n_outputs == 0) {
        ss_err(m->log, "the model has no output that could be decoded");
        ret = -EPROTO;
    }
    return ret;
}

int ss_ov_describe_input(SsModel *m, const ov_compiled_model_t *compiled)
{
    ov_output_const_port_t *port = NULL;
    const char *why = NULL;
    int ret = ss_ov_check(m->log, ov_compiled_model_input(compiled, &port), "input");

    if (ret < 0)
        return ret;
    ret = describe(port, &m->input, &why);
    if (ret < 0)
        ss_err(m->log, "the model's input \"%s\" %s", m->input.name, why);
    ov_output_const_port_free(port);
    return ret;
}

/* --- the input's shape --- */

int ss_ov_fix_shape(ov_model_t *model, const SsModelParams *p, const SsLogger *log)
{
    ov_output_const_port_t *port = NULL;
    ov_partial_shape_t shape = { 0 };
    const char *why = "is no picture: [1,H,W,3] or [1,3,H,W] is wanted";
    size_t n = 0;
    bool fixed = false;
    SsTensor t;
    int ret;

    if ((ret = ss_ov_check(log, ov_model_inputs_size(model, &n), "inputs")) < 0)
        return ret;
    if (n != 1) {
        ss_err(log, "model %s: has %zu inputs; one, a picture, is wanted", p->path, n);
        return -EPROTO;
    }
    if ((ret = ss_ov_check(log, ov_model_const_input(model, &port), "input")) < 0)
        return ret;
    ret = describe(port, &t, &why);
    ov_output_const_port_free(port);
    if (ret == 0)
        ret = ss_shape_choose(&t, p, &fixed);
    if (ret < 0) {
        ss_err(log, "model %s: its input \"%s\" %s", p->path, t.name, why);
        return ret;
    }
    if (fixed)
        return 0;
    ret = ss_ov_check(log, ov_partial_shape_create_static(t.rank, t.dim, &shape), "shape");
    if (ret < 0)
        return ret;
    ret = ss_ov_check(log, ov_model_reshape_single_input(model, shape), "model %s: input of %dx%d", p->path,
                      (int)t.dim[t.dim[3] == 3 ? 2 : 3], (int)t.dim[t.dim[3] == 3 ? 1 : 2]);
    ov_partial_shape_free(&shape);
    return ret;
}
