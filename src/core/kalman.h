/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One coordinate that moves evenly, with noise: a Kalman filter (R. E. Kalman, 1960) over position and
 * velocity, with the time that really passed. The velocity is driven by white noise. A box is four of them.
 * Pure.
 */
#ifndef SS_KALMAN_H
#define SS_KALMAN_H

typedef struct SsKalman {
    float p, v;       /* position, velocity a second */
    float pp, pv, vv; /* their covariance */
} SsKalman;

/** Seen at `p` for the first time; `sp` and `sv`: standard deviations of what is seen, and of velocities. */
void ss_kalman_init(SsKalman *k, float p, float sp, float sv);
/** `dt` seconds pass; `noise`: how much the velocity changes in a second (standard deviation). */
void ss_kalman_predict(SsKalman *k, float dt, float noise);
/** Seen at `p`, give or take `sp`. */
void ss_kalman_correct(SsKalman *k, float p, float sp);

#endif
