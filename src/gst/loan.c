/* SPDX-License-Identifier: Apache-2.0 */
#include "loan.h"

#include <errno.h>
#include <stdatomic.h>

#include "copy.h"

#define GST_CAT_DEFAULT ss_infer_debug

/* --- what is used in turn --- */

/* A frame is drawn on, one waits, one or two are read. */
enum { SPARES = 4 };

typedef struct Block {
    gsize size;
    guint8 *bytes; /* ss_memory_new(), so that a GPU reads it in place, too */
} Block;

struct SsLender {
    atomic_int refs;
    _Atomic(SsInk *) ink[SPARES]; /* NULL: none there */
    _Atomic(Block *) block[SPARES];
};

static void block_free(Block *block)
{
    if (!block)
        return;
    ss_memory_free(block->bytes);
    g_free(block);
}

SsLender *ss_lender_new(void)
{
    SsLender *lender = g_new0(SsLender, 1);

    atomic_init(&lender->refs, 1);
    return lender;
}

void ss_lender_unref(SsLender *lender)
{
    if (!lender || atomic_fetch_sub(&lender->refs, 1) > 1)
        return;
    for (int i = 0; i < SPARES; i++) {
        ss_ink_free(atomic_load(&lender->ink[i]));
        block_free(atomic_load(&lender->block[i]));
    }
    g_free(lender);
}

static SsInk *take_ink(SsLender *lender)
{
    SsInk *ink = NULL;

    for (int i = 0; i < SPARES && !ink; i++)
        ink = atomic_exchange(&lender->ink[i], NULL);
    return ink ? ink : ss_ink_new();
}

static void give_ink(SsLender *lender, SsInk *ink)
{
    if (ink)
        ss_ink_clear(ink);
    for (int i = 0; i < SPARES && ink; i++)
        ink = atomic_exchange(&lender->ink[i], ink);
    ss_ink_free(ink);
}

/** One that is too small, for another picture size, is dropped. NULL: out of memory. */
static Block *take_block(SsLender *lender, gsize size)
{
    Block *block = NULL;

    for (int i = 0; i < SPARES && !block; i++) {
        block = atomic_exchange(&lender->block[i], NULL);
        if (block && block->size < size)
            g_clear_pointer(&block, block_free);
    }
    if (block)
        return block;
    block = g_new(Block, 1);
    *block = (Block) { size, ss_memory_new(size) };
    if (!block->bytes)
        g_clear_pointer(&block, g_free);
    return block;
}

static void give_block(SsLender *lender, Block *block)
{
    for (int i = 0; i < SPARES && block; i++)
        block = atomic_exchange(&lender->block[i], block);
    block_free(block);
}

/* --- one picture --- */

typedef enum State { UNREAD, READ, RETURNED } State;

struct SsLoan {
    atomic_int refs;  /* the frame's and the buffer's */
    SsLender *lender; /* a reference; NULL: nobody may draw */
    /* --- of who has the frame */
    GstVideoFrame picture; /* where it is */
    GstVideoFrame here;    /* in the processor's memory, if it had to be fetched; buffer NULL: not */
    Block *untouched;      /* a copy of it without what was drawn; NULL: none */
    atomic_bool abandoned; /* the frame is no more */
    /* --- guarded by lock, which is held while somebody draws */
    GMutex lock;
    State state;
    SsInk *ink; /* NULL: nobody drew. From READ on it does not change */
};

static void loan_unref(gpointer data)
{
    SsLoan *loan = data;

    if (atomic_fetch_sub(&loan->refs, 1) > 1)
        return;
    ss_lender_unref(loan->lender);
    g_mutex_clear(&loan->lock);
    g_free(loan);
}

/* --- on the buffer: it is not copied with it, and gone when a pool has the buffer back --- */

typedef struct LoanMeta {
    GstMeta meta;
    SsLoan *loan; /* a reference, or NULL */
} LoanMeta;

static gboolean meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
    (void)params, (void)buffer;
    ((LoanMeta *)meta)->loan = NULL;
    return TRUE;
}

static void meta_free(GstMeta *meta, GstBuffer *buffer)
{
    (void)buffer;
    g_clear_pointer(&((LoanMeta *)meta)->loan, loan_unref);
}

static const GstMetaInfo *meta_info(void)
{
    static const char *no_tags[] = { NULL };
    static const GstMetaInfo *info;

    if (g_once_init_enter(&info)) {
        const GType api = gst_meta_api_type_register("SsLoanMetaAPI", no_tags);
        g_once_init_leave(&info,
                          gst_meta_register(api, "SsLoanMeta", sizeof(LoanMeta), meta_init, meta_free, NULL));
    }
    return info;
}

static LoanMeta *meta_of(GstBuffer *buffer)
{
    return (LoanMeta *)gst_buffer_get_meta(buffer, meta_info()->api);
}

/** FALSE: the buffer may not be changed, so nobody may draw on it. */
static gboolean put_on(GstBuffer *buffer, SsLoan *loan)
{
    if (!gst_buffer_is_writable(buffer))
        return FALSE;
    LoanMeta *meta = meta_of(buffer);
    if (!meta)
        meta = (LoanMeta *)gst_buffer_add_meta(buffer, meta_info(), NULL);
    g_clear_pointer(&meta->loan, loan_unref); /* one that is over */
    atomic_fetch_add(&loan->refs, 1);
    meta->loan = loan;
    return TRUE;
}

/* --- its end --- */

static void give_back(SsLoan *loan)
{
    if (loan->lender) {
        give_ink(loan->lender, loan->ink);
        give_block(loan->lender, loan->untouched);
    }
    g_clear_pointer(&loan->lender, ss_lender_unref); /* the buffer may outlive the stream */
    if (loan->here.buffer)
        gst_video_frame_unmap(&loan->here);
    gst_video_frame_unmap(&loan->picture); /* drops the buffer's reference too */
}

/** By whoever comes later, the frame's end or that of a drawing, so that none waits for the other. */
static void give_back_if_abandoned(SsLoan *loan)
{
    atomic_thread_fence(memory_order_seq_cst); /* of both, one sees what the other did before */
    if (!atomic_load(&loan->abandoned) || !g_mutex_trylock(&loan->lock))
        return;
    const gboolean is_first = loan->state != RETURNED;
    loan->state = RETURNED;
    g_mutex_unlock(&loan->lock);
    if (is_first)
        give_back(loan);
}

/** On whichever thread drops the last reference to the frame. */
static void return_picture(void *cookie)
{
    SsLoan *loan = cookie;

    atomic_store(&loan->abandoned, true);
    give_back_if_abandoned(loan);
    loan_unref(loan); /* not before: whoever draws may be the first, and let the buffer go */
}

/** On a worker's thread. */
static int fetch_picture(void *cookie, SsFrameDesc *desc)
{
    SsLoan *loan = cookie;

    if (!ss_bridge_fetch(&loan->here, &loan->picture)) {
        loan->here.buffer = NULL;
        return -EIO;
    }
    ss_bridge_set_planes(desc, &loan->here);
    return 0;
}

/** On a worker's thread. */
static int copy_untouched(SsLoan *loan, SsFrameDesc *desc)
{
    guint8 *plane[GST_VIDEO_MAX_PLANES] = { NULL };

    loan->untouched = take_block(loan->lender, ss_copy_size(&loan->picture));
    if (!loan->untouched)
        return -ENOMEM;
    ss_copy_planes(&loan->picture, loan->untouched->bytes, plane);
    ss_ink_restore(loan->ink, plane);
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&loan->picture); i++)
        desc->plane[i] = plane[i];
    return 0;
}

/** On a worker's thread, which waits while somebody draws. */
static int claim_picture(void *cookie, SsFrameDesc *desc)
{
    SsLoan *loan = cookie;

    g_mutex_lock(&loan->lock);
    loan->state = READ;
    const gboolean touched = loan->ink && !ss_ink_is_empty(loan->ink);
    g_mutex_unlock(&loan->lock);
    return touched ? copy_untouched(loan, desc) : 0;
}

SsFrame *ss_loan_wrap(SsLender *lender, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts)
{
    SsFrameDesc desc;
    SsLoan *loan = g_new0(SsLoan, 1);

    atomic_init(&loan->refs, 1);
    g_mutex_init(&loan->lock);
    const gboolean may_draw = lender && put_on(buffer, loan); /* mapped, it is not ours alone any more */
    if (!ss_bridge_map(&loan->picture, buffer, info, pts, 0, &desc)) {
        loan->state = RETURNED;
        loan_unref(loan);
        return NULL;
    }
    SsFrame *frame = ss_frame_wrap(&desc, return_picture, loan);
    if (!frame) {
        return_picture(loan);
        return NULL;
    }
    if (desc.memory != SS_MEMORY_HOST)
        ss_frame_set_fetch(frame, fetch_picture);
    if (desc.memory != SS_MEMORY_HOST || !may_draw) {
        loan->state = READ;
        return frame;
    }
    atomic_fetch_add(&lender->refs, 1);
    loan->lender = lender;
    ss_frame_set_claim(frame, claim_picture);
    return frame;
}

/** The buffer's reference to its memory, and those of the loan, which has mapped it. */
static gint references_to_memory(const SsLoan *loan)
{
    return 1 + (loan->picture.meta ? (gint)GST_VIDEO_FRAME_N_PLANES(&loan->picture) : 1);
}

/**
 * By the stream's thread and by the loan alone, which does not let go while its lock is held: nobody else
 * can come to hold it meanwhile.
 */
static gboolean held_by_both_alone(const SsLoan *loan, GstBuffer *buffer)
{
    GstMemory *memory = gst_buffer_n_memory(buffer) == 1 ? gst_buffer_peek_memory(buffer, 0) : NULL;

    return memory && GST_MINI_OBJECT_REFCOUNT_VALUE(buffer) == 2 &&
           GST_MINI_OBJECT_REFCOUNT_VALUE(memory) == references_to_memory(loan) &&
           !GST_MEMORY_IS_READONLY(memory) &&
           gst_memory_is_type(memory, GST_ALLOCATOR_SYSMEM); /* mapped for reading it can be written to */
}

/** What is kept is put back where it was: both are to mean the same planes. */
static gboolean is_laid_out(const SsLoan *loan, const GstVideoInfo *info)
{
    const GstVideoInfo *lent = &loan->picture.info;

    if (info->finfo != lent->finfo || info->width != lent->width || info->height != lent->height)
        return FALSE;
    for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(info) && !loan->picture.meta; i++)
        if (info->stride[i] != lent->stride[i] || info->offset[i] != lent->offset[i])
            return FALSE;
    return TRUE;
}

SsLoan *ss_loan_draw(GstBuffer *buffer, const GstVideoInfo *info)
{
    const LoanMeta *meta = meta_of(buffer);
    SsLoan *loan = meta ? meta->loan : NULL;

    if (!loan || !g_mutex_trylock(&loan->lock))
        return NULL;
    if (loan->state == UNREAD && is_laid_out(loan, info) && held_by_both_alone(loan, buffer)) {
        if (!loan->ink)
            loan->ink = take_ink(loan->lender);
        return loan;
    }
    ss_loan_end_drawing(loan);
    return NULL;
}

SsInk *ss_loan_ink(SsLoan *loan)
{
    return loan->ink;
}

void ss_loan_end_drawing(SsLoan *loan)
{
    if (!loan)
        return;
    g_mutex_unlock(&loan->lock);
    give_back_if_abandoned(loan); /* its buffer, which the caller holds, keeps the loan alive */
}
