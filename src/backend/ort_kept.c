/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/ort_device.h"
#include "internal.h"

/* All that the result depends on. */
static int make_key(uint64_t *key, const SsOrtPlan *plan, const char *device)
{
    static const char form[] = "2"; /* of what is kept */
    char text[1024];
    int ret;

    *key = ss_hash(0, form, sizeof form);
    if ((ret = ss_modelfile_hash(key, plan->params.path)) < 0)
        return ret;
    *key = ss_hash(*key, plan->ort->version, strlen(plan->ort->version));
    *key = ss_hash(*key, plan->params.options, strlen(plan->params.options));
    if (plan->params.precision)
        *key = ss_hash(*key, plan->params.precision, strlen(plan->params.precision));
    for (int i = 0; i < plan->input.rank; i++)
        *key = ss_hash(*key, &plan->input.dim[i], sizeof plan->input.dim[i]);
    ss_ort_device_identity(plan->ort, device, plan->params.options, text, sizeof text);
    ss_debug(plan->log, "engines are made for %s", text);
    *key = ss_hash(*key, text, strlen(text));
    return 0;
}

/* `found`: an earlier start has left something. What it left without an engine has none, and gets none. */
static void set_engine(SsOrtKept *kept, const char *device, const SsOrtPlan *plan, bool found)
{
    const bool has = ss_ort_device_keeps(device, plan->params.options) == SS_ORT_KEEPS_ENGINE;
    const bool made = found && has && access(kept->engine, R_OK) == 0;

    kept->place = (SsOrtPlace) { .folder = kept->folder.path,
                                 .engine = has && (made || !found) ? kept->engine : NULL,
                                 .made = made };
}

/* Returns whether there is something of an earlier start in the folder. */
static int open_folder(SsOrtKept *kept, const SsOrtPlan *plan, const char *device, const char *dir)
{
    SsCacheEntry entry;
    uint64_t key;
    int n, ret;

    if ((ret = make_key(&key, plan, device)) < 0 ||
        (ret = ss_cache_entry(&entry, dir, plan->params.path, key)) < 0 ||
        (ret = n = ss_cache_folder_open(&kept->folder, &entry)) < 0)
        return ret;
    if (snprintf(kept->engine, sizeof kept->engine, "%s/engine.onnx", kept->folder.path) >=
        (int)sizeof kept->engine)
        return -ENAMETOOLONG;
    set_engine(kept, device, plan, n > 0);
    return n > 0;
}

/* One inference: what a provider compiles at the first is then kept, too. */
static int infer_once(const SsOrtSession *s, const SsOrtPlan *plan)
{
    SsTensor input = plan->input, output[SS_MAX_OUTPUTS];
    SsOrtRun run;
    int ret;

    memcpy(output, s->output, sizeof output);
    if ((ret = ss_ort_run_open(&run, s, &input, output)) < 0)
        return ret;
    ret = ss_ort_run_infer(&run, s, output);
    ss_ort_run_close(&run, s);
    return ret;
}

/* Opens what is there already; failing is no failure, and relay->why says why. */
static int open_made(const SsOrtKept *kept, SsOrtSession *s, const SsOrtPlan *plan, const char *device)
{
    SsOrtRelay *relay = plan->relay;
    const bool was = relay->trying;
    int ret;

    relay->trying = true;
    ret = ss_ort_plan_open(s, plan, device, &kept->place);
    relay->trying = was;
    return ret;
}

/* A provider may refuse the very network that it has compiled (TensorRT-RTX 1.5 does on an H100): then the
 * model's file is loaded each time, and the provider's other files still spare most of the work. */
static void drop_engine(SsOrtKept *kept, const SsOrtPlan *plan, const char *device)
{
    ss_info(plan->log, "%s: %s does not load what it compiled (%s); its other files are kept",
            plan->params.path, device, plan->relay->why);
    (void)unlink(kept->engine);
    kept->place.engine = NULL;
    kept->place.made = false;
}

static void keep(SsOrtKept *kept, const SsOrtPlan *plan, const char *device)
{
    const int ret = ss_cache_folder_keep(&kept->folder);

    if (ret < 0)
        ss_warn(plan->log, "%s: %s; the next start will build the network anew", kept->folder.entry.path,
                strerror(-ret));
    else
        ss_info(plan->log, "%s: built for %s, kept in %s", plan->params.path, device,
                kept->folder.entry.path);
}

/* A compiled network carries what its provider says of the machines that may load it, and the runtime asks
 * the provider. TensorRT-RTX knows GPUs of its own kind alone there, and denies the H100 on which it has just
 * made it. Ours is loaded only where all is as it was made (make_key()), so nobody needs to be asked. */
static void vouch_for(const SsOrtKept *kept, const SsOrtPlan *plan)
{
    const int ret = ss_modelfile_drop_notes(kept->engine, "ep_compatibility_info.");

    if (ret < 0)
        ss_debug(plan->log, "%s: %s", kept->engine, strerror(-ret));
}

/* Providers write some of their files when the session ends: it is made, used, ended, kept, and then made
 * again from that. */
static int build(SsOrtKept *kept, SsOrtSession *s, const SsOrtPlan *plan, const char *device)
{
    int ret = ss_ort_plan_open(s, plan, device, &kept->place);

    if (ret < 0)
        return ret;
    ret = infer_once(s, plan);
    ss_ort_session_close(s);
    if (ret < 0)
        return ret;
    kept->place.made = kept->place.engine && access(kept->engine, R_OK) == 0;
    if (kept->place.made)
        vouch_for(kept, plan);
    if (kept->place.made && open_made(kept, s, plan, device) < 0)
        drop_engine(kept, plan, device);
    keep(kept, plan, device);
    return kept->place.made ? 0 : ss_ort_plan_open(s, plan, device, &kept->place);
}

int ss_ort_kept_open(SsOrtKept *kept, SsOrtSession *s, const SsOrtPlan *plan, const char *device,
                     const char *dir)
{
    int ret;

    *kept = (SsOrtKept) { .folder.lock = -1 };
    if (!dir || !*dir || ss_ort_device_keeps(device, plan->params.options) == SS_ORT_KEEPS_NOTHING)
        return ss_ort_plan_open(s, plan, device, &kept->place);
    if ((ret = open_folder(kept, plan, device, dir)) < 0) {
        ss_warn(plan->log, "cache %s: %s; every start will build the network anew", dir, strerror(-ret));
        ss_ort_kept_close(kept);
        return ss_ort_plan_open(s, plan, device, &kept->place);
    }
    if (ret == 1) {
        if (open_made(kept, s, plan, device) == 0) {
            ss_info(plan->log, "%s: from the cache: %s", plan->params.path, kept->folder.entry.path);
            return 0;
        }
        ss_warn(plan->log, "%s: cannot be used (%s): the network is built anew", kept->folder.entry.path,
                plan->relay->why);
        ss_cache_folder_empty(&kept->folder);
        set_engine(kept, device, plan, false);
    }
    if ((ret = build(kept, s, plan, device)) < 0)
        ss_ort_kept_close(kept);
    return ret;
}

void ss_ort_kept_close(SsOrtKept *kept)
{
    ss_cache_folder_close(&kept->folder);
    kept->place = (SsOrtPlace) { 0 };
}
