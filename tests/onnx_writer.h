/* SPDX-License-Identifier: Apache-2.0 */
/** Networks of one layer, written by the tests of ONNX Runtime: ONNX is protocol buffers. */
#ifndef SS_ONNX_WRITER_H
#define SS_ONNX_WRITER_H

#include "backend_rig.h"

enum { FLOAT = 1, UINT8 = 2, INT64 = 7 };

typedef struct Bytes {
    uint8_t data[2048];
    size_t size;
} Bytes;

static inline void put_byte(Bytes *b, uint8_t byte)
{
    REQUIRE_CMP(b->size, <, sizeof b->data);
    b->data[b->size++] = byte;
}

static inline void put_varint(Bytes *b, uint64_t value)
{
    for (; value > 127; value >>= 7)
        put_byte(b, (uint8_t)(value | 128));
    put_byte(b, (uint8_t)value);
}

static inline void put_number(Bytes *b, unsigned field, uint64_t value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static inline void put_bytes(Bytes *b, unsigned field, const void *data, size_t size)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, size);
    for (size_t i = 0; i < size; i++)
        put_byte(b, ((const uint8_t *)data)[i]);
}

static inline void put_text(Bytes *b, unsigned field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

/* ValueInfoProto. `shape`: numbers, names, or "?" for what is open and has no name, as in "?,3,height,width".
 */
static inline Bytes value_info(const char *name, uint64_t type, const char *shape)
{
    Bytes info = { 0 }, kind = { 0 }, tensor = { 0 }, dims = { 0 };
    char copy[64], *rest;

    snprintf(copy, sizeof copy, "%s", shape);
    for (char *dim = strtok_r(copy, ",", &rest); dim; dim = strtok_r(NULL, ",", &rest)) {
        Bytes one = { 0 };

        if (*dim >= '0' && *dim <= '9')
            put_number(&one, 1, strtoull(dim, NULL, 10));
        else if (*dim != '?')
            put_text(&one, 2, dim);
        put_bytes(&dims, 1, one.data, one.size);
    }
    put_number(&tensor, 1, type);
    put_bytes(&tensor, 2, dims.data, dims.size);
    put_bytes(&kind, 1, tensor.data, tensor.size);
    put_text(&info, 1, name);
    put_bytes(&info, 2, kind.data, kind.size);
    return info;
}

typedef struct Net {
    const char *shape, *out_shape; /* out_shape NULL: as the input's */
    const char *op;                /* of one input; "Add" has two */
    uint64_t type, out_type;
} Net;

static inline const char *write_onnx(const char *name, const Net *n)
{
    Bytes node = { 0 }, graph = { 0 }, opset = { 0 }, model = { 0 };
    const bool two = strcmp(n->op, "Add") == 0;
    Bytes in = value_info("image:0", n->type, n->shape), other = value_info("other", n->type, n->shape);
    Bytes out = value_info("detections:0", n->out_type, n->out_shape ? n->out_shape : n->shape);

    put_text(&node, 1, "image:0");
    if (two)
        put_text(&node, 1, "other");
    put_text(&node, 2, "detections:0");
    put_text(&node, 4, n->op);
    put_bytes(&graph, 1, node.data, node.size);
    put_text(&graph, 2, "test");
    put_bytes(&graph, 11, in.data, in.size);
    if (two)
        put_bytes(&graph, 11, other.data, other.size);
    put_bytes(&graph, 12, out.data, out.size);
    put_number(&opset, 2, 13);
    put_number(&model, 1, 7);
    put_bytes(&model, 7, graph.data, graph.size);
    put_bytes(&model, 8, opset.data, opset.size);
    return write_file(name, model.data, model.size);
}

static inline const char *relu(const char *shape)
{
    return write_onnx("relu.onnx", &(Net) { .shape = shape, .op = "Relu", .type = FLOAT, .out_type = FLOAT });
}

#endif
