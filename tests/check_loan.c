/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing on a picture that the network has not read yet: the stream shows the ink, the network never sees
 * it. */
#include "core/frame_private.h"
#include "gst/draw.h"
#include "gst/loan.h"
#include "pixels.h"
#include "rig.h"
#include "sidestream/dummy.h"

enum { W = 322, H = 241 };

/* Its bytes; to be freed. */
static guint8 *bytes_of(GstBuffer *buffer, gsize *size)
{
    guint8 *bytes;

    gst_buffer_extract_dup(buffer, 0, gst_buffer_get_size(buffer), (gpointer *)&bytes, size);
    return bytes;
}

static gboolean still_is(GstBuffer *buffer, const guint8 *bytes)
{
    return gst_buffer_memcmp(buffer, 0, bytes, gst_buffer_get_size(buffer)) == 0;
}

/* --- the elements --- */

#define INFER "ssinfer align=hold backend=dummy model-options=gate=0,boxes=3"

typedef struct Chain {
    Rig rig;
    GstVideoInfo info;
} Chain;

static GstBuffer *frame_of(const Chain *c, guint n)
{
    GstBuffer *buffer = noise_picture(&c->info);

    gst_buffer_memset(buffer, n, (guint8)n, 1); /* no two alike */
    GST_BUFFER_PTS(buffer) = n * PERIOD;
    return buffer;
}

/* The network looks at frame 1 and has told of frame 0. */
static Chain chain_new(const char *launch, const char *format)
{
    Chain c = { .info = info_of(format, W, H) };

    c.info.fps_n = 25;
    g_autoptr(GstCaps) caps = gst_video_info_to_caps(&c.info);
    g_autofree char *text = gst_caps_to_string(caps);
    ss_dummy_gate_shut(GATE);
    c.rig = rig_caps(launch, text);
    for (guint n = 0; n < 2; n++) {
        gst_buffer_unref(pass(&c.rig, frame_of(&c, n)));
        if (n == 0)
            ss_dummy_gate_wait(GATE, 1);
    }
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 2);
    return c;
}

static void chain_free(Chain *c)
{
    ss_dummy_gate_open(GATE);
    rig_free(&c->rig);
}

/* Of the network's input for the frame that waits. */
static guint32 seen_next(void)
{
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 3);
    return ss_dummy_gate_checksum(GATE);
}

/* What the network sees of frame 2 where nobody draws. */
static guint32 seen_bare(const char *format)
{
    Chain c = chain_new(INFER, format);

    gst_buffer_unref(pass(&c.rig, frame_of(&c, 2)));
    const guint32 seen = seen_next();
    chain_free(&c);
    return seen;
}

GST_START_TEST(what_waits_is_drawn_on_and_seen_without)
{
    static const char *const launches[] = { INFER " ! ssoverlay", INFER " ! ssoverlay hud=true thickness=5",
                                            INFER " ! ssoverlay ! ssoverlay thickness=9" };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(launches); i++) {
        const char *format = formats[i % n_formats];
        const guint32 bare = seen_bare(format);
        Chain c = chain_new(launches[i / n_formats], format);
        GstBuffer *in = frame_of(&c, 2);
        gsize size;
        g_autofree guint8 *before = bytes_of(in, &size);
        GstBuffer *out = pass(&c.rig, in);

        fail_unless(out == in, "%s: copied", format);
        fail_if(still_is(out, before), "%s: nothing was drawn", format);
        g_autofree guint8 *drawn = bytes_of(out, &size);
        fail_unless_equals_int(seen_next(), bare);
        fail_unless(still_is(out, drawn));
        gst_buffer_unref(out);
        chain_free(&c);
    }
}
GST_END_TEST;

/* Copied, so that `in` is as it was. */
static void assert_copied(Chain *c, GstBuffer *in)
{
    gsize size;
    g_autofree guint8 *before = bytes_of(in, &size);
    GstBuffer *out;

    gst_buffer_ref(in);
    out = pass(&c->rig, in);
    fail_unless(out != in);
    fail_if(still_is(out, before));
    fail_unless(still_is(in, before));
    gst_buffer_unref(out);
    gst_buffer_unref(in);
    chain_free(c);
}

GST_START_TEST(what_others_hold_is_copied)
{
    Chain c = chain_new(INFER " ! ssoverlay", "NV12");

    assert_copied(&c, frame_of(&c, 2)); /* by the reference that it takes */
}
GST_END_TEST;

GST_START_TEST(whose_memory_others_hold_is_copied)
{
    Chain c = chain_new(INFER " ! ssoverlay", "NV12");
    GstBuffer *other = frame_of(&c, 2), *in = gst_buffer_copy(other);
    gsize size;
    g_autofree guint8 *before = bytes_of(in, &size);
    GstBuffer *out = pass(&c.rig, in);

    fail_unless(out != in && !still_is(out, before) && still_is(other, before));
    gst_buffer_unref(out);
    gst_buffer_unref(other);
    chain_free(&c);
}
GST_END_TEST;

GST_START_TEST(areas_are_copied)
{
    static const char *const launches[] = { INFER " ! ssoverlay style=fill", INFER
                                            " ! ssoverlay thickness=60" /* three frames all over it */ };

    for (guint i = 0; i < G_N_ELEMENTS(launches); i++) {
        Chain c = chain_new(launches[i], "NV12");
        GstBuffer *in = frame_of(&c, 2), *out = pass(&c.rig, in);

        fail_unless(out != in);
        gst_buffer_unref(out);
        chain_free(&c);
    }
}
GST_END_TEST;

/* --- one loan --- */

typedef struct Lent {
    SsLender *lender;
    GstVideoInfo info;
    GstBuffer *buffer;
    guint8 *before; /* its bytes */
    SsFrame *frame;
} Lent;

static Lent lend_buffer(GstBuffer *buffer, const GstVideoInfo *info, SsLender *lender)
{
    Lent l = { .lender = lender, .info = *info, .buffer = buffer };
    gsize size;

    l.before = bytes_of(buffer, &size);
    l.frame = ss_loan_wrap(l.lender, buffer, info, 0);
    fail_unless(l.frame != NULL);
    return l;
}

static Lent lend(void)
{
    const GstVideoInfo info = info_of("I420", W, H);

    return lend_buffer(noise_picture(&info), &info, ss_lender_new());
}

static void lent_clear(Lent *l)
{
    ss_frame_unref(&l->frame);
    gst_buffer_unref(l->buffer);
    ss_lender_unref(l->lender);
    g_free(l->before);
}

/* All of what the drawing covers is put back. */
static void draw_something(Lent *l, SsLoan *loan, int x)
{
    GstVideoFrame frame;
    SsPaint paint;

    ss_paint_init(&paint, &l->info, 0xff8000);
    fail_unless(gst_video_frame_map(&frame, &l->info, l->buffer, GST_MAP_READ));
    ss_draw_fill(&(SsCanvas) { &frame, ss_loan_ink(loan) }, &paint, 200, (SsRect) { x, x, 60, 40 });
    gst_video_frame_unmap(&frame);
}

/* In the planes that the worker was told. */
static void assert_claimed_as_it_was(const Lent *l, const SsFrameDesc *now)
{
    for (guint p = 0; p < 3; p++)
        for (gint y = 0; y < GST_VIDEO_INFO_COMP_HEIGHT(&l->info, p); y++)
            fail_unless(memcmp(now->plane[p] + (gsize)y * (gsize)now->stride[p],
                               l->before + GST_VIDEO_INFO_PLANE_OFFSET(&l->info, p) +
                                   (gsize)y * (gsize)GST_VIDEO_INFO_PLANE_STRIDE(&l->info, p),
                               (gsize)GST_VIDEO_INFO_COMP_WIDTH(&l->info, p)) == 0);
}

GST_START_TEST(a_worker_gets_a_copy_only_where_somebody_drew)
{
    Lent l = lend();
    SsFrameDesc now;

    fail_unless_equals_int(ss_frame_claim(l.frame, &now), 0);
    fail_unless(now.plane[0] == ss_frame_desc(l.frame)->plane[0]);
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL); /* it is being read */
    lent_clear(&l);

    l = lend();
    SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
    fail_unless(loan != NULL);
    draw_something(&l, loan, 20);
    ss_loan_end_drawing(loan);
    loan = ss_loan_draw(l.buffer, &l.info); /* once more, over it */
    draw_something(&l, loan, 41);
    ss_loan_end_drawing(loan);
    fail_if(still_is(l.buffer, l.before));
    fail_unless_equals_int(ss_frame_claim(l.frame, &now), 0);
    fail_unless(now.plane[0] != ss_frame_desc(l.frame)->plane[0]);
    assert_claimed_as_it_was(&l, &now);
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    lent_clear(&l);
}
GST_END_TEST;

GST_START_TEST(once_it_is_back_the_loan_is_none)
{
    Lent l = lend();
    GstMapInfo map;

    ss_frame_unref(&l.frame);
    fail_unless(gst_buffer_is_all_memory_writable(l.buffer));
    gst_buffer_ref(l.buffer); /* somebody else reads it as the network did */
    fail_unless(gst_buffer_map(l.buffer, &map, GST_MAP_READ));
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    gst_buffer_unmap(l.buffer, &map);
    gst_buffer_unref(l.buffer);
    lent_clear(&l);
}
GST_END_TEST;

/* From frame to frame the same memory: nothing is allocated while a stream runs. */
GST_START_TEST(memory_is_used_in_turn)
{
    const guint8 *block = NULL;
    const GstVideoInfo info = info_of("I420", W, H), larger = info_of("I420", 2 * W, H);
    SsLender *lender = ss_lender_new();

    for (int i = 0; i < 4; i++) {
        const GstVideoInfo *of = i < 3 ? &info : &larger; /* that one finds none of its size */
        Lent l = lend_buffer(noise_picture(of), of, lender);
        SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
        SsFrameDesc now;

        draw_something(&l, loan, 10 * i);
        ss_loan_end_drawing(loan);
        fail_unless_equals_int(ss_frame_claim(l.frame, &now), 0);
        assert_claimed_as_it_was(&l, &now);
        if (i == 0)
            block = now.plane[0];
        fail_unless(i == 3 || now.plane[0] == block);
        l.lender = NULL;
        lent_clear(&l);
    }
    ss_lender_unref(lender);
}
GST_END_TEST;

static gpointer claim_it(gpointer data)
{
    Lent *l = data;
    SsFrameDesc now;

    fail_unless_equals_int(ss_frame_claim(l->frame, &now), 0);
    assert_claimed_as_it_was(l, &now);
    return NULL;
}

/* Whether it comes before, while or after: it never sees a picture half drawn. */
GST_START_TEST(a_worker_waits_until_it_is_drawn)
{
    for (int i = 0; i < 200; i++) {
        Lent l = lend();
        SsLoan *loan = i % 2 == 0 ? ss_loan_draw(l.buffer, &l.info) : NULL;
        GThread *worker = g_thread_new("worker", claim_it, &l);

        if (!loan)
            loan = ss_loan_draw(l.buffer, &l.info);
        fail_unless(loan != NULL || i % 2 == 1);
        for (int x = 0; loan && x < 200; x += 20)
            draw_something(&l, loan, x);
        ss_loan_end_drawing(loan);
        g_thread_join(worker);
        lent_clear(&l);
    }
}
GST_END_TEST;

static gpointer return_it(gpointer data)
{
    Lent *l = data;

    ss_frame_unref(&l->frame);
    return NULL;
}

/* As where a queue lies between the elements: a younger frame comes while this one is drawn on. */
GST_START_TEST(who_lets_go_does_not_wait_for_a_drawing)
{
    Lent l = lend();
    SsLoan *loan = ss_loan_draw(l.buffer, &l.info);

    fail_unless(loan != NULL);
    return_it(&l); /* by this very thread: a wait would be for ever */
    draw_something(&l, loan, 20);
    fail_if(gst_buffer_is_writable(l.buffer));
    ss_loan_end_drawing(loan);
    fail_unless(gst_buffer_is_all_memory_writable(l.buffer));
    lent_clear(&l);

    for (int i = 0; i < 200; i++) {
        l = lend();
        GThread *other = g_thread_new("other", return_it, &l);
        loan = ss_loan_draw(l.buffer, &l.info);
        if (loan)
            draw_something(&l, loan, 20);
        ss_loan_end_drawing(loan);
        g_thread_join(other);
        fail_unless(gst_buffer_is_all_memory_writable(l.buffer));
        lent_clear(&l);
    }
}
GST_END_TEST;

/* Nobody holds anything longer for the other: the last one out frees the loan. */
GST_START_TEST(the_buffer_may_go_first)
{
    for (int i = 0; i < 2000; i++) {
        Lent l = lend();
        SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
        GThread *other = g_thread_new("other", return_it, &l);

        ss_loan_end_drawing(loan);
        g_clear_pointer(&l.buffer, gst_buffer_unref);
        g_thread_join(other);
        ss_lender_unref(l.lender);
        g_free(l.before);
    }
}
GST_END_TEST;

/* As from a pool, whose pictures say how they lie. */
GST_START_TEST(a_layout_of_its_own)
{
    GstVideoInfo padded = info_of("I420", W, H);
    GstVideoAlignment more;
    SsFrameDesc now;

    gst_video_alignment_reset(&more);
    more.padding_right = 64;
    fail_unless(gst_video_info_align(&padded, &more));
    GstBuffer *buffer = noise_picture(&padded);
    gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, W, H, 3,
                                   padded.offset, padded.stride);
    Lent l = lend_buffer(buffer, &padded, ss_lender_new());
    SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
    fail_unless(loan != NULL);
    draw_something(&l, loan, 20);
    ss_loan_end_drawing(loan);
    fail_if(still_is(l.buffer, l.before));
    fail_unless_equals_int(ss_frame_claim(l.frame, &now), 0);
    assert_claimed_as_it_was(&l, &now);
    lent_clear(&l);
}
GST_END_TEST;

/* Of other caps than those it was lent by, as behind an element that changes them. */
GST_START_TEST(who_sees_it_otherwise_may_not_draw)
{
    Lent l = lend();
    const GstVideoInfo grey = info_of("GRAY8", W, H), smaller = info_of("I420", W, H - 10);
    GstVideoInfo wider = l.info;

    wider.stride[0] += 2;
    fail_unless(ss_loan_draw(l.buffer, &grey) == NULL);
    fail_unless(ss_loan_draw(l.buffer, &smaller) == NULL);
    fail_unless(ss_loan_draw(l.buffer, &wider) == NULL);
    SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
    fail_unless(loan != NULL);
    ss_loan_end_drawing(loan);
    lent_clear(&l);
}
GST_END_TEST;

/* Each for one reason alone. */
GST_START_TEST(nobody_may_draw_on_what_is_not_theirs)
{
    GstVideoInfo info = info_of("I420", W, H);
    gsize size;

    Lent l = lend_buffer(noise_picture(&info), &info, NULL); /* lent for good */
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    lent_clear(&l);

    l = lend();
    gst_buffer_ref(l.buffer);
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    gst_buffer_unref(l.buffer);
    SsLoan *loan = ss_loan_draw(l.buffer, &l.info);
    fail_unless(loan != NULL);
    ss_loan_end_drawing(loan);
    GstMemory *memory = gst_buffer_get_memory(l.buffer, 0);
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    gst_memory_unref(memory);
    lent_clear(&l);

    g_autoptr(GstBuffer) whole = noise_picture(&info);
    g_autofree guint8 *bytes = bytes_of(whole, &size);
    l = lend_buffer(gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, bytes, size, 0, size, NULL, NULL),
                    &info, ss_lender_new());
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    lent_clear(&l);

    g_autoptr(GstBuffer) longer = gst_buffer_new_allocate(NULL, size + 64, NULL);
    gst_buffer_fill(longer, 64, bytes, size);
    l = lend_buffer(gst_buffer_copy_region(longer, GST_BUFFER_COPY_ALL, 64, size), &info, ss_lender_new());
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL); /* part of another's memory */
    lent_clear(&l);

    GstBuffer *planes = gst_buffer_new();
    for (guint p = 0; p < 3; p++) {
        const gsize end = p < 2 ? GST_VIDEO_INFO_PLANE_OFFSET(&info, p + 1) : size;
        gst_buffer_append_memory(
            planes, gst_allocator_alloc(NULL, end - GST_VIDEO_INFO_PLANE_OFFSET(&info, p), NULL));
    }
    gst_buffer_fill(planes, 0, bytes, size);
    gst_buffer_add_video_meta_full(planes, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, W, H, 3,
                                   info.offset, info.stride);
    l = lend_buffer(planes, &info, ss_lender_new());
    fail_unless(ss_loan_draw(l.buffer, &l.info) == NULL);
    lent_clear(&l);
}
GST_END_TEST;

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("loan");

    tcase_add_test(tc, what_waits_is_drawn_on_and_seen_without);
    tcase_add_test(tc, what_others_hold_is_copied);
    tcase_add_test(tc, whose_memory_others_hold_is_copied);
    tcase_add_test(tc, areas_are_copied);
    tcase_add_test(tc, a_worker_gets_a_copy_only_where_somebody_drew);
    tcase_add_test(tc, once_it_is_back_the_loan_is_none);
    tcase_add_test(tc, memory_is_used_in_turn);
    tcase_add_test(tc, a_worker_waits_until_it_is_drawn);
    tcase_add_test(tc, who_lets_go_does_not_wait_for_a_drawing);
    tcase_add_test(tc, the_buffer_may_go_first);
    tcase_add_test(tc, a_layout_of_its_own);
    tcase_add_test(tc, who_sees_it_otherwise_may_not_draw);
    tcase_add_test(tc, nobody_may_draw_on_what_is_not_theirs);
    return run_tests(tc, argc, argv);
}
