/* SPDX-License-Identifier: Apache-2.0 */
/* ssoverlay hides people: where the mosaic is laid, and that it fails closed. */
#include <gst/check/gstharness.h>

#include "gst/mosaic.h"
#include "gst/overlay.h"
#include "gst/privacy.h"
#include "gst/status.h"
#include "pixels.h"
#include "test.h"

enum { W = 320, H = 240, BOX_X = 130, BOX_Y = 80, BOX_W = 40, BOX_H = 64 };

static const gint64 PERIOD = GST_SECOND / 25;

static const SsStatus well = { .state = "running", .align = "live", .inferences = 9 };

typedef struct Scene {
    GstVideoInfo info;
    GstHarness *h;
    GstElement *overlay;
    gint64 time; /* of the next frame */
} Scene;

static Scene scene_new(const char *format, const char *properties)
{
    Scene s = { .info = info_of(format, W, H) };
    g_autofree char *launch = g_strdup_printf("ssoverlay labels=false min-confidence=1 %s", properties);

    s.h = gst_harness_new_parse(launch);
    s.overlay = gst_harness_find_element(s.h, "ssoverlay");
    gst_harness_set_src_caps(s.h, gst_video_info_to_caps(&s.info));
    return s;
}

static void scene_free(Scene *s)
{
    gst_object_unref(s->overlay);
    gst_harness_teardown(s->h);
}

typedef struct Seen {
    const char *name;
    int id;
    SsRect box;
    double confidence;
    guint64 age;
    const char *state;
} Seen;

static const Seen person = { "person", 7, { BOX_X, BOX_Y, BOX_W, BOX_H }, 0.9, 0, "measured" };

static void add_region(GstBuffer *buffer, const Seen *o)
{
    GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta(
        buffer, o->name, (guint)o->box.x, (guint)o->box.y, (guint)o->box.w, (guint)o->box.h);

    roi->id = o->id;
    gst_video_region_of_interest_meta_add_param(
        roi, gst_structure_new("detection", "confidence", G_TYPE_DOUBLE, o->confidence, NULL));
    gst_video_region_of_interest_meta_add_param(roi,
                                                gst_structure_new("sidestream", "age", G_TYPE_UINT64, o->age,
                                                                  "state", G_TYPE_STRING, o->state, NULL));
}

/* The next frame, `later` after the last, with so many objects; `status` NULL: it has none. What comes out is
 * mapped. The test holds the frame that goes in: it must not be touched. */
static void show(Scene *s, gint64 later, const SsStatus *status, const Seen *object, guint n,
                 GstVideoFrame *out)
{
    GstBuffer *in = noise_picture(&s->info), *before = gst_buffer_copy_deep(in);
    GstMapInfo a, b;

    s->time += later;
    GST_BUFFER_PTS(in) = (guint64)s->time;
    for (guint i = 0; i < n; i++)
        add_region(in, &object[i]);
    if (status)
        ss_status_add(in, status);
    GstBuffer *got = gst_harness_push_and_pull(s->h, gst_buffer_ref(in));
    REQUIRE(got != in);
    REQUIRE(gst_buffer_map(in, &a, GST_MAP_READ) && gst_buffer_map(before, &b, GST_MAP_READ));
    REQUIRE(memcmp(a.data, b.data, a.size) == 0);
    gst_buffer_unmap(in, &a);
    gst_buffer_unmap(before, &b);
    gst_buffer_unref(in);
    gst_buffer_unref(before);
    REQUIRE(gst_video_frame_map(out, &s->info, got, GST_MAP_READ));
    gst_buffer_unref(got); /* the frame holds one */
}

/* "all", or the areas as the buffer tells; and the pixels agree. */
static guint told_areas(const GstVideoFrame *f, SsRect area[], guint most, gboolean *all)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(f->buffer, "sidestream-blurred");
    const GstStructure *s = gst_custom_meta_get_structure(meta);
    const GValue *areas = gst_structure_get_value(s, "areas");
    const guint n = areas ? gst_value_array_get_size(areas) / 4 : 0;

    *all = gst_structure_has_field_typed(s, "all", G_TYPE_STRING);
    REQUIRE(*all == !areas && n <= most);
    for (guint i = 0; i < n; i++) {
        int side[4];
        for (guint k = 0; k < 4; k++)
            side[k] = g_value_get_int(gst_value_array_get_value(areas, 4 * i + k));
        area[i] = (SsRect) { side[0], side[1], side[2], side[3] };
    }
    return n;
}

static gboolean all_is_hidden(GstVideoFrame *f)
{
    SsRect area[8];
    gboolean told;

    told_areas(f, area, 8, &told);
    const gboolean hidden = pixelated(f, 0, 0, W, H, ss_mosaic_block(W, H));
    REQUIRE(hidden == told);
    gst_video_frame_unmap(f);
    return hidden;
}

/* The one area; empty: nothing is hidden. Nothing beside it is touched. */
static SsRect hidden_area(GstVideoFrame *f)
{
    GstBuffer *before = noise_picture(&f->info);
    SsRect r[2] = { { 0 } };
    GstVideoFrame was;
    gboolean all;
    const guint n = told_areas(f, r, 1, &all);

    REQUIRE(!all && n <= 1);
    REQUIRE(gst_video_frame_map(&was, &f->info, before, GST_MAP_READ));
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int want[3];
            get_pixel(&was, x, y, want);
            if (x < r->x || y < r->y || x >= r->x + r->w || y >= r->y + r->h)
                REQUIRE(pixel_is(f, x, y, want, 0));
        }
    REQUIRE(pixelated(f, r->x, r->y, r->w, r->h, 8));
    gst_video_frame_unmap(&was);
    gst_buffer_unref(before);
    gst_video_frame_unmap(f);
    return *r;
}

static gboolean contains(SsRect outer, SsRect inner)
{
    return outer.x <= inner.x && outer.y <= inner.y && outer.x + outer.w >= inner.x + inner.w &&
           outer.y + outer.h >= inner.y + inner.h;
}

/* Objects of the classes asked for, and no others, a little more than their boxes. */
static void test_object_in_every_format(void)
{
    for (guint i = 0; i < n_formats; i++) {
        Scene s = scene_new(formats[i], "blur=\" person, face\"");
        const Seen car = { "car", 8, { 10, 10, 50, 40 }, 0.9, 0, "measured" };
        const Seen both[] = { car, person };
        GstVideoFrame f;

        show(&s, PERIOD, &well, both, 2, &f);
        const SsRect area = hidden_area(&f);
        REQUIRE(contains(area, person.box));
        REQUIRE_CMP(area.w, <=, 2 * BOX_W);
        REQUIRE_CMP(area.h, <=, 2 * BOX_H);
        show(&s, PERIOD, &well, &car, 1, &f); /* the person has vanished */
        REQUIRE(contains(hidden_area(&f), area));
        scene_free(&s);
    }
}

/* Whatever is wrong with the network: not one block of one frame can be seen. */
static void test_fails_closed(void)
{
    const struct {
        const char *what;
        gboolean hides;
        SsStatus status[2];
    } cases[] = {
        { "nothing", TRUE, { { 0 } } },
        { "well", FALSE, { well } },
        { "loading", TRUE, { { .state = "loading", .silent = G_MAXUINT64 } } },
        { "failed", TRUE, { { .state = "failed", .error = "no such file", .silent = G_MAXUINT64 } } },
        { "stopped", TRUE, { { .state = "stopped" } } },
        { "no result", TRUE, { { .state = "running", .silent = G_MAXUINT64 } } },
        { "old", FALSE, { { .state = "running", .silent = 400 * GST_MSECOND } } },
        { "too old", TRUE, { { .state = "running", .silent = 400 * GST_MSECOND + 1 } } },
        { "first", TRUE, { { .state = "running", .align = "delay", .silent = 1 } } },
        { "seen to", FALSE, { { .state = "running", .align = "delay" } } },
        { "late", FALSE, { { .state = "running", .align = "delay", .interval = 1, .silent = 1 } } },
        { "live", FALSE, { { .state = "running", .align = "delay", .live = TRUE, .silent = 1 } } },
        { "lost", TRUE, { { .state = "running", .objects = 1 } } },
        { "one of two", TRUE, { well, { .state = "running", .silent = GST_SECOND } } },
        { "the other", TRUE, { { .state = "loading" }, well } },
    };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(cases); i++) {
        const guint c = i / n_formats;
        Scene s = scene_new(formats[i % n_formats], "blur=all max-age=400");
        GstVideoFrame f;

        show(&s, PERIOD, &well, NULL, 0, &f);
        REQUIRE(!all_is_hidden(&f));
        for (int k = 0; k < 3; k++) {
            GstBuffer *in = noise_picture(&s.info);
            s.time += GST_SECOND;
            GST_BUFFER_PTS(in) = (guint64)s.time;
            for (guint n = 0; n < 2 && cases[c].status[n].state; n++)
                ss_status_add(in, &cases[c].status[n]);
            GstBuffer *out = gst_harness_push_and_pull(s.h, in);
            REQUIRE(gst_video_frame_map(&f, &s.info, out, GST_MAP_READ));
            gst_buffer_unref(out);
            if (all_is_hidden(&f) != cases[c].hides) {
                fprintf(stderr, "%s, %s\n", cases[c].what, formats[i % n_formats]);
                abort();
            }
        }
        scene_free(&s);
    }
}

/* After a jump nothing counts that the network saw before. */
static void test_jumps(void)
{
    SsStatus before = well, after = well;
    GstVideoFrame f;

    before.silent = 5 * (guint64)PERIOD;
    after.silent = 1;
    for (int jump = 0; jump < 5; jump++) {
        Scene s = scene_new("NV12", jump == 4 ? "min-confidence=0" : "blur=all");

        for (int i = 0; i < 10 && jump < 4; i++) {
            show(&s, PERIOD, i < 5 ? &well : &before, &person, 1, &f);
            REQUIRE(!all_is_hidden(&f));
        }
        if (jump == 0) {
            REQUIRE(gst_harness_push_event(s.h, gst_event_new_flush_start()));
            REQUIRE(gst_harness_push_event(s.h, gst_event_new_flush_stop(TRUE)));
        }
        if (jump <= 1) {
            GstSegment segment;
            gst_segment_init(&segment, GST_FORMAT_TIME);
            if (jump == 1)
                segment.base = (guint64)s.time; /* a loop: running time goes on */
            REQUIRE(gst_harness_push_event(s.h, gst_event_new_segment(&segment)));
            s.time = 0;
        }
        if (jump == 2) {
            s.info = info_of("I420", W, H);
            gst_harness_set_src_caps(s.h, gst_video_info_to_caps(&s.info));
        }
        if (jump == 3)
            s.time = -PERIOD; /* without a word */
        if (jump == 4) {      /* until now nobody kept an eye on who vanished */
            gst_buffer_unref(gst_harness_push_and_pull(s.h, noise_picture(&s.info)));
            g_object_set(s.overlay, "blur", "person", NULL);
        }
        for (int i = 0; i < 3; i++) {
            show(&s, PERIOD, &before, NULL, 0, &f);
            REQUIRE(all_is_hidden(&f));
        }
        show(&s, PERIOD, &after, NULL, 0, &f);
        REQUIRE(!all_is_hidden(&f));
        scene_free(&s);
    }
}

/* From frame to frame as it is set. */
static void test_property_while_playing(void)
{
    Scene s = scene_new("BGRx", "");
    char *text;
    GstVideoFrame f;

    for (int i = 0; i < 6; i++) {
        g_object_set(s.overlay, "blur", i % 2 ? "person" : i == 2 ? "" : NULL, NULL);
        show(&s, PERIOD, &well, &person, 1, &f);
        if (i % 2) {
            REQUIRE(contains(hidden_area(&f), person.box));
            continue;
        }
        REQUIRE(gst_buffer_get_custom_meta(f.buffer, "sidestream-blurred") == NULL);
        REQUIRE(!pixelated(&f, BOX_X, BOX_Y, BOX_W, BOX_H, 8));
        gst_video_frame_unmap(&f);
    }
    g_object_get(s.overlay, "blur", &text, NULL);
    REQUIRE_STR(text, "person");
    g_free(text);
    scene_free(&s);
}

/* --- where an object may be --- */

static int size_of(SsRect r)
{
    return r.w * r.h;
}

/* The older the box, the larger the area; the more so, the faster the object is. */
static void test_area_grows(void)
{
    int last[2] = { 0 };

    for (int fast = 0; fast < 2; fast++)
        for (guint64 age = 0; age <= 800; age += 200) {
            Scene s = scene_new("GRAY8", "blur=person");
            SsStatus status = well;
            Seen seen = person;
            GstVideoFrame f;
            SsRect area = { 0 };

            seen.age = age * GST_MSECOND;
            seen.state = "tracked";
            for (int i = 0; i < 10; i++) {
                seen.box.x = BOX_X - 2 * fast * (10 - i); /* 50 pixels a second */
                show(&s, PERIOD, &status, &seen, 1, &f);
                area = hidden_area(&f);
            }
            REQUIRE(contains(area, seen.box));
            REQUIRE_CMP(size_of(area), >=, last[fast]);
            if (age == 800)
                REQUIRE_CMP(size_of(area), >, fast ? last[0] : 2 * BOX_W * BOX_H);
            last[fast] = size_of(area);
            scene_free(&s);
        }
    REQUIRE_CMP(last[1], >, last[0]);
}

/* A box that is held is where its object was: the way from there is hidden too. */
static void test_held(void)
{
    Scene s = scene_new("GRAY8", "blur=person");
    Seen seen = person;
    GstVideoFrame f;
    SsRect area = { 0 };

    seen.state = "held";
    for (int i = 0; i <= 25; i++) { /* a result each fifth frame, five frames late: 8 pixels further */
        seen.age = (guint64)(5 + i % 5) * (guint64)PERIOD;
        seen.box.x = 40 + i / 5 * 8;
        show(&s, PERIOD, &well, &seen, 1, &f);
        area = hidden_area(&f);
    }
    SsRect truth = seen.box;
    truth.x += 8;
    REQUIRE(contains(area, seen.box) && contains(area, truth));
    REQUIRE_CMP(area.x + area.w - (seen.box.x + seen.box.w), >, seen.box.x - area.x);
    scene_free(&s);
}

/* What vanishes stays hidden where it was, and ever further around, until max-age. */
static void test_vanished(void)
{
    Scene s = scene_new("GRAY8", "blur=person max-age=800");
    SsRect last = { 0 }, area = { 0 };
    GstVideoFrame f;

    for (int i = 0; i < 5; i++) {
        show(&s, PERIOD, &well, &person, 1, &f);
        last = hidden_area(&f);
    }
    const SsRect first = last;
    for (int i = 1; i <= 20; i++) { /* 800 ms */
        show(&s, PERIOD, &well, NULL, 0, &f);
        area = hidden_area(&f);
        REQUIRE(contains(area, last));
        last = area;
    }
    REQUIRE_CMP(size_of(area), >, size_of(first));
    show(&s, PERIOD, &well, NULL, 0, &f);
    REQUIRE_CMP(size_of(hidden_area(&f)), ==, 0);
    scene_free(&s);
}

/* Regions of other elements have no ids: whoever touches goes on, and does not leave a trail behind. */
static void test_without_ids(void)
{
    Scene s = scene_new("GRAY8", "blur=person");
    Seen seen = person;
    GstVideoFrame f;

    seen.id = 0;
    for (int i = 0; i < 20; i++) {
        seen.box.x = BOX_X + i;
        show(&s, i < 10 ? PERIOD : 0, &well, &seen, 1, &f); /* also where time stands still */
        REQUIRE(contains(hidden_area(&f), seen.box));
    }
    scene_free(&s);
}

/* Two side by side that overlap, and the first is not seen any more: its place is not the second one's. */
static void test_neighbours_without_ids(void)
{
    Scene s = scene_new("GRAY8", "blur=person");
    Seen two[2] = { person, person };
    SsRect area[2];
    gboolean all;
    GstVideoFrame f;

    two[0].id = two[1].id = 0;
    two[0].box.w = two[1].box.w = 20;
    two[1].box.x += 16;
    for (guint n = 0; n < 2; n++) {
        show(&s, PERIOD, &well, &two[n], 2 - n, &f);
        REQUIRE_CMP(told_areas(&f, area, 2, &all), ==, 2);
        REQUIRE(contains(area[0], two[0].box) && contains(area[1], two[1].box));
        gst_video_frame_unmap(&f);
    }
    scene_free(&s);
}

/* Somebody asked for something to be hidden, and did not say what. */
static void test_commas(void)
{
    Scene s = scene_new("GRAY8", "blur=\" , \"");
    GstVideoFrame f;

    show(&s, PERIOD, &well, &person, 1, &f);
    REQUIRE(contains(hidden_area(&f), person.box));
    scene_free(&s);
}

/* Of somebody else: no name, no age that could be true. */
static void test_strange_regions(void)
{
    Scene s = scene_new("GRAY8", "blur=all");
    GstBuffer *in = noise_picture(&s.info);
    Seen old = person;
    GstVideoFrame f;

    old.age = (guint64)1 << 63;
    old.state = "held";
    show(&s, PERIOD, &well, &old, 1, &f);
    REQUIRE(contains(hidden_area(&f), old.box));
    GST_BUFFER_PTS(in) = (guint64)(s.time += PERIOD);
    gst_buffer_add_video_region_of_interest_meta_id(in, 0, 10, 10, 20, 20);
    ss_status_add(in, &well);
    GstBuffer *out = gst_harness_push_and_pull(s.h, in);
    REQUIRE(out != NULL);
    gst_buffer_unref(out);
    scene_free(&s);
}

static void test_too_many(void)
{
    Scene s = scene_new("GRAY8", "blur=person");
    static Seen crowd[SS_MOST_PLACES + 1];
    GstVideoFrame f;

    for (int i = 0; i <= SS_MOST_PLACES; i++) {
        crowd[i] = person;
        crowd[i].id = i + 1;
    }
    show(&s, PERIOD, &well, crowd, SS_MOST_PLACES + 1, &f);
    REQUIRE(all_is_hidden(&f));
    scene_free(&s);
}

/* --- who is drawn, and what is said --- */

/* The faint are hidden but not drawn; who was sure once stays drawn. */
static void test_min_confidence(void)
{
    static const double confidence[] = { 0.2, 0.29, 0.3, 0.1, 0.05 };
    static const int ground[3] = { GREY, GREY, GREY };
    GstVideoInfo info = info_of("RGB", W, H);
    GstHarness *h = gst_harness_new_parse("ssoverlay labels=false min-confidence=0.3");

    gst_harness_set_src_caps(h, gst_video_info_to_caps(&info));
    for (guint i = 0; i < G_N_ELEMENTS(confidence); i++) {
        GstBuffer *in = picture_new(&info), *out;
        Seen seen = person;
        GstVideoFrame f;

        GST_BUFFER_PTS(in) = i * (guint64)PERIOD;
        seen.confidence = confidence[i];
        add_region(in, &seen);
        out = gst_harness_push_and_pull(h, in);
        REQUIRE(gst_video_frame_map(&f, &info, out, GST_MAP_READ));
        REQUIRE(pixel_is(&f, BOX_X, BOX_Y + 20, ground, 0) == (i < 2));
        gst_video_frame_unmap(&f);
        gst_buffer_unref(out);
    }
    gst_harness_teardown(h);
}

static void send_names(const Scene *s, const char *a, const char *b)
{
    const char *names[] = { "", a, b, NULL };
    GstStructure *labels = gst_structure_new("sidestream-labels", "labels", G_TYPE_STRV, names, NULL);

    REQUIRE(gst_harness_push_event(s->h, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, labels)));
}

/* The name in the next warning; NULL: there is none. */
static char *warned_of(GstBus *bus)
{
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    g_autoptr(GError) warning = NULL;

    if (!message)
        return NULL;
    gst_message_parse_warning(message, &warning, NULL);
    return g_strdup(warning->message);
}

/* Once all networks run; and again when another name is set. */
static void test_unknown_names(void)
{
    Scene s = scene_new("GRAY8", "blur=person,fase");
    g_autoptr(GstBus) bus = gst_bus_new();
    g_autofree char *first = NULL, *second = NULL;
    const SsStatus loading = { .state = "loading" };
    GstVideoFrame f;

    gst_element_set_bus(s.overlay, bus);
    send_names(&s, "person", "dog");
    show(&s, PERIOD, &loading, NULL, 0, &f);
    gst_video_frame_unmap(&f);
    REQUIRE(warned_of(bus) == NULL);
    for (int i = 0; i < 3; i++) {
        show(&s, PERIOD, &well, NULL, 0, &f);
        gst_video_frame_unmap(&f);
    }
    first = warned_of(bus);
    REQUIRE(first && strstr(first, "\"fase\""));
    REQUIRE(warned_of(bus) == NULL);
    send_names(&s, "face", "hand");
    g_object_set(s.overlay, "blur", "face,dog,class 9,class 1", NULL);
    for (int i = 0; i < 3; i++) {
        show(&s, PERIOD, &well, NULL, 0, &f);
        gst_video_frame_unmap(&f);
    }
    second = warned_of(bus);
    REQUIRE(second && strstr(second, "\"class 1\"")); /* it has a name */
    REQUIRE(warned_of(bus) == NULL);
    gst_element_set_bus(s.overlay, NULL);
    scene_free(&s);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    REQUIRE(GST_ELEMENT_REGISTER(ssoverlay, NULL));
    ss_status_register();
    test_object_in_every_format();
    test_fails_closed();
    test_jumps();
    test_property_while_playing();
    test_area_grows();
    test_held();
    test_vanished();
    test_without_ids();
    test_neighbours_without_ids();
    test_commas();
    test_strange_regions();
    test_too_many();
    test_min_confidence();
    test_unknown_names();
    gst_deinit();
    return 0;
}
