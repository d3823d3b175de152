/* SPDX-License-Identifier: Apache-2.0 */
#include "engines.h"

#include "bridge.h"

struct SsSharedEngine {
    int refs;            /* guarded by table_lock */
    SsSettings settings; /* constant, as the rest */
    SsGstLog log;
    SsEngine *engine;
};

static GMutex table_lock;
static GHashTable *table; /* name (owned by the engine's settings) -> SsSharedEngine; NULL while empty */

static void shared_engine_free(SsSharedEngine *shared)
{
    ss_engine_destroy(&shared->engine);
    ss_gst_log_clear(&shared->log);
    ss_settings_clear(&shared->settings);
    g_free(shared);
}

static SsSharedEngine *shared_engine_new(const SsSettings *s, GError **error)
{
    SsSharedEngine *shared;
    SsEngineParams params;
    int ret;

    if (!ss_settings_to_params(s, &params, error))
        return NULL;
    shared = g_new0(SsSharedEngine, 1);
    shared->refs = 1;
    ss_settings_copy(&shared->settings, s);
    ss_gst_log_init(&shared->log);
    params.log = ss_gst_log_logger(&shared->log);

    ret = ss_engine_create(&shared->engine, &params);
    if (ret == 0)
        ret = ss_engine_start(shared->engine);
    if (ret == 0)
        return shared;
    ss_gst_log_set_error(&shared->log, ret, error);
    shared_engine_free(shared);
    return NULL;
}

/** Takes a reference to the one in the table, or NULL. */
static SsSharedEngine *join(SsSharedEngine *shared, const SsSettings *s, GError **error)
{
    g_autofree char *difference = ss_settings_difference(&shared->settings, s);

    if (difference) {
        g_set_error(
            error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
            "engine \"%s\" already runs with another %s; elements that share an engine must agree on it",
            s->engine, difference);
        return NULL;
    }
    shared->refs++;
    return shared;
}

SsSharedEngine *ss_shared_engine_acquire(const SsSettings *s, GError **error)
{
    SsSharedEngine *shared;

    if (!s->engine)
        return shared_engine_new(s, error);

    /* Creating under the lock is quick (the model loads on a worker), and keeps two from making one name. */
    g_mutex_lock(&table_lock);
    shared = table ? g_hash_table_lookup(table, s->engine) : NULL;
    if (shared) {
        shared = join(shared, s, error);
    } else if ((shared = shared_engine_new(s, error))) {
        if (!table)
            table = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(table, shared->settings.engine, shared);
    }
    g_mutex_unlock(&table_lock);
    return shared;
}

SsEngine *ss_shared_engine_get(SsSharedEngine *shared)
{
    return shared->engine;
}

void ss_shared_engine_release(SsSharedEngine **shared)
{
    SsSharedEngine *e = shared ? *shared : NULL;
    gboolean last;

    if (!e)
        return;
    *shared = NULL;
    g_mutex_lock(&table_lock);
    last = --e->refs == 0;
    if (last && e->settings.engine) {
        g_hash_table_remove(table, e->settings.engine);
        if (g_hash_table_size(table) == 0) {
            g_hash_table_unref(table);
            table = NULL;
        }
    }
    g_mutex_unlock(&table_lock);
    if (last)
        shared_engine_free(e); /* joins the workers: not under the lock, others may come and go meanwhile */
}
