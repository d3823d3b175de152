/* SPDX-License-Identifier: Apache-2.0 */
/** A model's file, looked at before a runtime gets to see it. */
#ifndef SS_BACKEND_MODELFILE_H
#define SS_BACKEND_MODELFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidestream/log.h"

/** A whole file, read only. {0} = nothing mapped. */
typedef struct SsMapping {
    const uint8_t *data;
    size_t size;
} SsMapping;

/** Errors: -errno, nothing logged; -ENODATA: the file is empty. */
int ss_mapping_open(SsMapping *out, const char *path);
void ss_mapping_close(SsMapping *m);

/**
 * Is this a whole file of the kind its ending says (.onnx .pb .tflite .xml)? Finds what
 * is missing, empty, cut off or something else; says so in words a user understands, where the
 * runtimes' own parsers guess, and print. Errors: -ENOENT, -EINVAL.
 */
int ss_modelfile_check(const char *path, const SsLogger *log);

/** In either case of letters: ".onnx". */
bool ss_modelfile_ends(const char *path, const char *ending);

/**
 * Drops what an .onnx file's metadata says under keys that begin with `key`; the file is there, as it was or
 * as it is to be, at any time. Errors: -errno, nothing logged; -EPROTO: it is no such file.
 */
int ss_modelfile_drop_notes(const char *path, const char *key);

/** FNV-1a over 8 bytes at a time; start with hash = 0. Good against accidents, not against attackers. */
uint64_t ss_hash(uint64_t hash, const void *data, size_t size);
/** The model's file and those that carry its weights (NAME.bin of an .xml, NAME.onnx.data). Errors: -errno.
 */
int ss_modelfile_hash(uint64_t *hash, const char *path);

#endif
