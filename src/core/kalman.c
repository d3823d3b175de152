/* SPDX-License-Identifier: Apache-2.0 */
#include "kalman.h"

void ss_kalman_init(SsKalman *k, float p, float sp, float sv)
{
    *k = (SsKalman) { .p = p, .pp = sp * sp, .vv = sv * sv };
}

void ss_kalman_predict(SsKalman *k, float dt, float noise)
{
    const float q = noise * noise;

    k->p += k->v * dt;
    k->pp += dt * (2 * k->pv + dt * k->vv) + q * dt * dt * dt / 3;
    k->pv += dt * k->vv + q * dt * dt / 2;
    k->vv += q * dt;
}

void ss_kalman_correct(SsKalman *k, float p, float sp)
{
    const float s = k->pp + sp * sp, gain_p = k->pp / s, gain_v = k->pv / s, off = p - k->p;

    k->p += gain_p * off;
    k->v += gain_v * off;
    k->vv -= gain_v * k->pv;
    k->pv -= gain_p * k->pv;
    k->pp -= gain_p * k->pp;
}
