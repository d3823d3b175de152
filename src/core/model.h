/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Opening a model on a backend and checking what it says of itself; everything that
 * the backends need not check again.
 */
#ifndef SS_MODEL_H
#define SS_MODEL_H

#include "decode/decode.h"

/** Is there such a precision, and a sensible batch? Errors: -EINVAL, logged. */
int ss_model_check_params(const SsModelParams *p, const SsLogger *log);
/** Fills `m` (zeroed by this call). Errors: as SsBackend.model_open, -EPROTO (no image input; takes
 * several pictures, but an output has no part for each), -ENOMEM. */
int ss_model_open(SsModel *m, const SsBackend *backend, const SsModelParams *p, const SsLogger *log);
void ss_model_close(SsModel *m);
int ss_request_open(SsRequest *r, SsModel *m);
/** One more of the same thread, whose inferences may be in flight beside `first`'s; closed before that.
 * -ENOTSUP, not logged: the backend has none. */
int ss_request_open_beside(SsRequest *r, SsRequest *first);
int ss_request_infer(SsRequest *r);
/** As SsBackend.request_start(). */
int ss_request_start(SsRequest *r);
int ss_request_wait(SsRequest *r);
void ss_request_close(SsRequest *r);

/** What the outputs are for one of the pictures that the model takes at a time. */
void ss_model_outputs(const SsModel *m, SsTensor one[SS_MAX_OUTPUTS]);
/** Detections in picture `nth` of an inference. Errors: as SsDecoder.decode(). */
int ss_request_decode(const SsRequest *r, int nth, const SsDecoder *d, const SsDecodeParams *p,
                      SsDetection *det, int max);
/** The decoder named, or the first that fits; NULL: none, and the outputs and decoders tried have been
 * logged. */
const SsDecoder *ss_model_decoder(const SsModel *m, const char *name);
/** Pictures in the image input, their width and height, its layout. */
int ss_tensor_batch(const SsTensor *input);
int ss_tensor_width(const SsTensor *input);
int ss_tensor_height(const SsTensor *input);
bool ss_tensor_is_nhwc(const SsTensor *input);
/** "f32 [1,3,640,640]"; returns `text`. */
const char *ss_tensor_describe(const SsTensor *t, char *text, size_t size);
/** For messages: "a, b" becomes "a, b, word", cut where there is no more room. */
void ss_append_word(char *list, size_t size, const char *word);

#endif
