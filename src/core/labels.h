/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Class names. A labels file is UTF-8 text, a name a line; "12 name" or "12: name" gives
 * the class id, else lines count up from the decoder's first class id. Empty lines and
 * lines starting with '#' name nothing, but an empty line counts.
 */
#ifndef SS_LABELS_H
#define SS_LABELS_H

#include <stddef.h>

#include "sidestream/log.h"

typedef struct SsLabels SsLabels;

/**
 * `spec`: a file's path, or "coco" for the 80 COCO names numbered as the model family
 * does (`first_class_id` 0: YOLO's 0..79; 1: TensorFlow's 1..90). Errors: -ENOENT, -EINVAL
 * (empty, not text, an id twice or over 65535), -ENOMEM; says file and line.
 */
SS_API int ss_labels_load(SsLabels **out, const char *spec, int first_class_id, const SsLogger *log);
/** The same from memory; `name` is for messages. */
SS_API int ss_labels_parse(SsLabels **out, const char *text, size_t size, const char *name,
                           int first_class_id, const SsLogger *log);
/** Valid as long as `labels`; NULL: no such class, or `labels` is NULL. */
SS_API const char *ss_labels_name(const SsLabels *labels, int class_id);
SS_API void ss_labels_destroy(SsLabels **labels);

#endif
