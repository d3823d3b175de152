/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream run`: streams to outputs until they end, the user ends them, or something fails. */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app.h"
#include "io/json.h"
#include "stream.h"

enum {
    FINISH_S = 10, /* for files to be finished after the end */
    STOP_S = 3,    /* for an inference in progress to return */
    STALL_S = 5,   /* a source that stalls may outlast --duration by this */
};

typedef struct Run {
    SsOptions options;
    GMainLoop *loop;
    GPtrArray *streams, *outputs;
    GPtrArray *files; /* names of those read and written: none may be both, or written twice */
    int code;         /* an SsExit */
    bool ending, gave_up, model_told, stopped, stands_in;
    guint timeout; /* of the phase in progress; 0 = none */
    gint64 began, model_running, finished;
} Run;

/* --- ending --- */

static gboolean unfinished(gpointer data)
{
    Run *run = data;
    ss_say("an output was not finished after %d s; its file may be incomplete", FINISH_S);
    run->timeout = 0;
    run->gave_up = true;
    g_main_loop_quit(run->loop);
    return G_SOURCE_REMOVE;
}

static void set_timeout(Run *run, guint seconds, GSourceFunc func)
{
    if (run->timeout)
        g_source_remove(run->timeout);
    run->timeout = func ? g_timeout_add_seconds(seconds, func, run) : 0;
}

static bool all_ended(const Run *run)
{
    for (guint i = 0; i < run->streams->len; i++)
        if (!ss_app_stream_ended(g_ptr_array_index(run->streams, i)))
            return false;
    return true;
}

static void quit_if_done(Run *run)
{
    if (all_ended(run))
        g_main_loop_quit(run->loop);
}

/* Every way out leads through here: the outputs get their end and finish their files. */
static void end(Run *run, int code)
{
    if (run->code == SS_EXIT_OK)
        run->code = code;
    if (run->ending)
        return;
    run->ending = true;
    set_timeout(run, FINISH_S, unfinished);
    for (guint i = 0; i < run->streams->len; i++)
        ss_app_stream_end(g_ptr_array_index(run->streams, i));
    quit_if_done(run);
}

static gboolean stalled(gpointer data)
{
    Run *run = data;
    run->timeout = 0;
    for (guint i = 0; i < run->streams->len; i++)
        ss_app_stream_require_picture(g_ptr_array_index(run->streams, i));
    end(run, SS_EXIT_OK);
    return G_SOURCE_REMOVE;
}

/** Streams share it; each one tells. */
static void model_runs(Run *run, bool stands_in)
{
    const double after = (double)(ss_now() - ss_process_start) / 1e9;
    const bool first = run->model_running == 0;

    if (first && stands_in && !run->options.quiet)
        ss_say("the model's device is being got ready; another one answers until then");
    else if (run->stands_in && !stands_in && !run->options.quiet)
        ss_say("the model's own device answers, %.1f s after the start", after);
    else if (first && run->options.verbose)
        ss_say("the model runs, %.1f s after the start", after);
    run->stands_in = stands_in && (first || run->stands_in); /* not by one that is behind the others */
    if (first)
        run->model_running = ss_now();
}

static void at_event(void *cookie, SsAppStream *s, SsStreamEvent event, const GError *error)
{
    Run *run = cookie;
    SsMeterReading reading;
    switch (event) {
    case SS_STREAM_ENDED:
        quit_if_done(run);
        break;
    case SS_STREAM_FAILED:
        ss_meter_read(ss_app_stream_meter(s), &reading);
        ss_say_error(error);
        if (run->code == SS_EXIT_OK)
            run->code = error->code;
        /* A camera lost on the way takes no other stream with it; anything else is the user's to mend. */
        if (error->code == SS_EXIT_SOURCE && reading.frames_in > 0)
            ss_app_stream_end(s);
        else
            end(run, error->code);
        break;
    case SS_STREAM_STAND_IN_RUNNING:
    case SS_STREAM_MODEL_RUNNING:
        model_runs(run, event == SS_STREAM_STAND_IN_RUNNING);
        break;
    case SS_STREAM_MODEL_FAILED:
        if (!run->model_told)
            ss_say("model: %s", error->message);
        run->model_told = true; /* streams share it; each one tells */
        end(run, SS_EXIT_MODEL);
        break;
    case SS_STREAM_WARNED:
        ss_say("%s: %s", ss_app_stream_name(s), error->message);
        break;
    }
}

typedef struct Quit {
    Run *run;
    GError *error;
} Quit;

static gboolean quit_on_main(gpointer data)
{
    Quit *q = data;
    if (q->error && !q->run->ending)
        ss_say_error(q->error);
    end(q->run, q->error ? q->error->code : SS_EXIT_OK);
    g_clear_error(&q->error);
    g_free(q);
    return G_SOURCE_REMOVE;
}

static void at_quit(void *cookie, const GError *error)
{
    Quit *q = g_new0(Quit, 1);
    q->run = cookie;
    q->error = error ? g_error_copy(error) : NULL;
    g_idle_add_full(G_PRIORITY_DEFAULT, quit_on_main, q, NULL);
}

/* --- signals --- */

static int signal_pipe[2] = { -1, -1 };
static volatile sig_atomic_t signals_seen; /* shared with a signal handler only */

static void at_signal(int number)
{
    (void)number;
    if (signals_seen++ > 0)
        _exit(SS_EXIT_UNFORESEEN); /* the main thread may be stuck in a driver: ask nobody */
    if (write(signal_pipe[1], "", 1) < 0)
        _exit(SS_EXIT_UNFORESEEN);
}

static gboolean signal_on_main(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition;
    end(data, SS_EXIT_OK);
    return G_SOURCE_REMOVE;
}

static gboolean watch_signals(Run *run, GError **error)
{
    if (!g_unix_open_pipe(signal_pipe, FD_CLOEXEC, error))
        return FALSE;
    g_unix_fd_add(signal_pipe[0], G_IO_IN, signal_on_main, run);
    struct sigaction action = { .sa_handler = at_signal, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return TRUE;
}

/* --- set-up --- */

static const char *default_output(void)
{
#ifdef SS_HAVE_WINDOW
    if (ss_element_exists("gtksink") && ss_output_window_possible())
        return "window";
#endif
    return "none";
}

static gboolean make_outputs(Run *run, GError **error)
{
    const SsOptions *o = &run->options;
    const char *standard[] = { NULL, NULL };
    SsOutputParams params = { .title = o->title ? o->title : "Camera",
                              .n_streams = g_strv_length(o->rest),
                              .files = run->files,
                              .quit = at_quit,
                              .cookie = run };
    if (!o->outputs)
        standard[0] = default_output();
    for (const char *const *spec = o->outputs ? (const char *const *)o->outputs : standard; *spec; spec++) {
        SsOutput *output = ss_output_new(*spec, &params, error);
        if (!output)
            return FALSE;
        g_ptr_array_add(run->outputs, output);
    }
    return TRUE;
}

static gboolean make_streams(Run *run, GError **error)
{
    for (guint i = 0; run->options.rest[i]; i++) {
        SsStreamSetup setup = { .options = &run->options,
                                .source = run->options.rest[i],
                                .index = i,
                                .outputs = run->outputs,
                                .infer = TRUE,
                                .event = at_event,
                                .cookie = run };
        SsAppStream *stream = ss_app_stream_new(&setup, error);
        if (!stream)
            return FALSE;
        g_ptr_array_add(run->streams, stream);
    }
    return TRUE;
}

/* Found out now, not after an hour's run. */
static gboolean check_stats_file(Run *run, GError **error)
{
    const SsOptions *o = &run->options;
    for (char **source = o->rest; *source; source++)
        g_ptr_array_add(run->files, g_strdup(*source));
    if (!o->stats || g_str_equal(o->stats, "-"))
        return TRUE;
    if (!ss_claim_file(run->files, "--stats", o->stats, error))
        return FALSE;
    FILE *file = fopen(o->stats, "ae");
    if (!file) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--stats %s: %s", o->stats, g_strerror(errno));
        return FALSE;
    }
    fclose(file);
    return TRUE;
}

static void start_streams(Run *run)
{
    for (guint i = 0; i < run->streams->len && !run->ending; i++)
        if (!ss_app_stream_start(g_ptr_array_index(run->streams, i)))
            return;
    for (guint i = 0; i < run->outputs->len && !run->ending; i++)
        ss_output_started(g_ptr_array_index(run->outputs, i));
    if (run->options.duration > 0 && !run->ending)
        set_timeout(run, (guint)run->options.duration + STALL_S, stalled);
}

/* --- the report --- */

static guint64 inferences(Run *run)
{
    guint64 sum = 0;
    for (guint i = 0; i < run->streams->len; i++) {
        GstStructure *stats = ss_app_stream_infer_stats(g_ptr_array_index(run->streams, i));
        sum += ss_stats_count(stats, "inferred") + ss_stats_count(stats, "late") +
               ss_stats_count(stats, "failed");
        g_clear_pointer(&stats, gst_structure_free);
    }
    return sum;
}

static void write_stats(Run *run)
{
    const char *path = run->options.stats;
    if (!path)
        return;
    g_autoptr(GString) out = g_string_new(NULL);
    double ran = run->model_running ? (double)(run->finished - run->model_running) / 1e9 : 0;
    guint64 n = inferences(run);
    ss_json_object(out, NULL);
    ss_json_array(out, "streams");
    for (guint i = 0; i < run->streams->len; i++)
        ss_app_stream_json(g_ptr_array_index(run->streams, i), out);
    ss_json_end_array(out);
    ss_json_uint(out, "inferences", n);
    ss_json_double(out, "inferences_per_s", ran > 0 ? (double)n / ran : 0, 3);
    ss_stats_json_process(out);
    ss_json_double(out, "duration_s", (double)(run->finished - run->began) / 1e9, 3);
    ss_json_end_object(out);
    g_string_append_c(out, '\n');
    g_autoptr(GError) error = NULL;
    if (!ss_write_report("--stats", path, out, &error)) {
        int code = ss_say_error(error);
        run->code = run->code ? run->code : code;
    }
}

static void print_summary(Run *run)
{
    if (run->options.quiet || run->code != SS_EXIT_OK)
        return;
    for (guint i = 0; i < run->streams->len; i++) {
        SsAppStream *s = g_ptr_array_index(run->streams, i);
        SsMeterReading r;
        SsTimes age;
        GstStructure *stats = ss_app_stream_infer_stats(s);
        ss_meter_read(ss_app_stream_meter(s), &r);
        ss_stats_times(stats, "age", &age);
        ss_say("%s: %" G_GUINT64_FORMAT " pictures, %.1f/s, 99 %% of them within %.1f ms of the last; "
               "%" G_GUINT64_FORMAT " inferences, boxes %.0f ms old on average",
               ss_app_stream_name(s), r.frames_out, r.fps_out, (double)r.interval.p99 / 1e6,
               ss_stats_count(stats, "inferred"), (double)age.mean / 1e6);
        g_clear_pointer(&stats, gst_structure_free);
    }
}

/* --- stopping --- */

static gboolean stop_done(gpointer data)
{
    Run *run = data;
    run->stopped = true;
    g_main_loop_quit(run->loop);
    return G_SOURCE_REMOVE;
}

static gpointer stop_all(gpointer data)
{
    Run *run = data;
    for (guint i = 0; i < run->streams->len; i++)
        ss_app_stream_stop(g_ptr_array_index(run->streams, i));
    g_idle_add(stop_done, run);
    return NULL;
}

static gboolean stop_overdue(gpointer data)
{
    Run *run = data;
    run->timeout = 0;
    g_main_loop_quit(run->loop);
    return G_SOURCE_REMOVE;
}

/* Stopping waits for the inference in progress, and the main loop goes on meanwhile, which the
 * window's sink needs. No runtime can be made to let go of a thread that hangs in it (a driver, a
 * network of minutes): after STOP_S everything of ours is written and closed, and the process
 * leaves without the tidying that would wait for that thread. */
static void stop(Run *run)
{
    GThread *thread = g_thread_new("stop", stop_all, run);
    set_timeout(run, STOP_S, stop_overdue);
    while (!run->stopped && run->timeout)
        g_main_loop_run(run->loop);
    if (!run->stopped) {
        if (!run->options.quiet && run->code == SS_EXIT_OK)
            ss_say("the network did not return within %d s; leaving without it", STOP_S);
        fflush(stdout);
        _exit(run->code);
    }
    set_timeout(run, 0, NULL);
    g_thread_join(thread);
}

static void play(Run *run)
{
    run->began = ss_now();
    start_streams(run);
    while (!all_ended(run) && !run->gave_up)
        g_main_loop_run(run->loop);
    run->finished = ss_now();
    set_timeout(run, 0, NULL);
    write_stats(run);
    print_summary(run);
    stop(run);
}

static void warn_of_blur(const SsOptions *o)
{
    if (o->blur && !o->quiet && !g_str_equal(o->align, ss_align_name(SS_ALIGN_DELAY)))
        ss_say("--blur with --align %s: who appears can be seen until the network has looked; --align delay "
               "lets the picture wait for it",
               o->align);
}

static gboolean set_up(Run *run, int argc, char **argv, GError **error)
{
    return ss_options_parse(&run->options, SS_FOR_RUN, argc, argv, error) && check_stats_file(run, error) &&
           ss_app_init_gst(error) && watch_signals(run, error) && make_outputs(run, error) &&
           make_streams(run, error);
}

int ss_command_run(int argc, char **argv)
{
    Run run = { .loop = g_main_loop_new(NULL, FALSE),
                .streams = g_ptr_array_new_with_free_func((GDestroyNotify)ss_app_stream_free),
                .outputs = g_ptr_array_new_with_free_func((GDestroyNotify)ss_output_free),
                .files = g_ptr_array_new_with_free_func(g_free) };
    g_autoptr(GError) error = NULL;
    if (set_up(&run, argc, argv, &error)) {
        warn_of_blur(&run.options);
        play(&run);
    } else {
        run.code = ss_say_error(error);
    }
    g_ptr_array_unref(run.streams);
    g_ptr_array_unref(run.outputs);
    g_ptr_array_unref(run.files);
    g_main_loop_unref(run.loop);
    ss_options_clear(&run.options);
    if (gst_is_initialized())
        gst_deinit(); /* what is left over shows in GST_TRACERS=leaks */
    return run.code;
}
