/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <string.h>

#include "bridge.h"

/* Of a class, in a labels file: core/labels.h. */
enum { MAX_CLASSES = 65536 };

/** Next to "dir/model.onnx": "dir/model.labels". */
char *ss_labels_file(const char *spec, const char *model)
{
    const char *dot = model ? strrchr(model, '.') : NULL;
    g_autofree char *path = NULL;

    if (spec)
        return g_strdup(spec);
    if (!dot || strchr(dot, G_DIR_SEPARATOR))
        return NULL;
    path = g_strdup_printf("%.*s.labels", (int)(dot - model), model);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

gboolean ss_labels_load_both(SsLabels *out[SS_ID_BASES], const char *spec, const char *model, GError **error)
{
    g_autofree char *file = ss_labels_file(spec, model);
    SsGstLog log;
    int ret = 0;

    if (!file)
        return TRUE;
    ss_gst_log_init(&log);
    const SsLogger logger = ss_gst_log_logger(&log);
    for (int first_id = 0; first_id < SS_ID_BASES && ret == 0; first_id++)
        ret = ss_labels_load(&out[first_id], file, first_id, &logger);
    if (ret < 0)
        ss_gst_log_set_error(&log, ret, error);
    ss_gst_log_clear(&log);
    return ret == 0;
}

char **ss_labels_to_strv(const SsLabels *labels)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    guint n = 0;

    for (int id = 0; id < MAX_CLASSES; id++) {
        const char *name = ss_labels_name(labels, id);
        if (!name)
            continue;
        for (; n < (guint)id; n++)
            g_ptr_array_add(names, g_strdup(""));
        g_ptr_array_add(names, g_strdup(name));
        n++;
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

gboolean ss_names_know(const char *const *names, const char *name)
{
    const guint n = g_strv_length((char **)names);
    guint64 id;

    if (g_strv_contains(names, name) && *name)
        return TRUE;
    if (!g_str_has_prefix(name, "class ") ||
        !g_ascii_string_to_unsigned(name + strlen("class "), 10, 0, MAX_CLASSES - 1, &id, NULL))
        return FALSE;
    return id >= n || *names[id] == '\0';
}
