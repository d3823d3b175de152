/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Decoders on outputs of any shape, type and content. The first bytes choose decoder and
 * shapes, the rest are the tensors. With -runs=N as a bounded test, else for as long as you like.
 */
#include "decode/decode.h"
#include "fuzz.h"
#include "internal.h"

typedef struct Input {
    const uint8_t *at;
    size_t left;
} Input;

static uint8_t next_byte(Input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

/* Mostly sizes that decoders like, some that they do not. */
static int64_t next_dim(Input *in)
{
    static const int64_t liked[] = {
        1, 4, 7, 84, 5, 2100, 100, 0, -1, 3, 6, 300, INT64_MAX, 1 << 20, 65536, 2
    };
    uint8_t b = next_byte(in);

    return b < 128 ? liked[b % 16] : b - 100;
}

static const char *next_name(Input *in)
{
    static const char *const name[] = { "detection_boxes", "detection_scores", "detection_classes",
                                        "num_detections",  "output0",          "",
                                        "logits",          "pred_boxes" };

    return name[next_byte(in) % SS_COUNTOF(name)];
}

/* Its memory ends where its size says, so that the sanitizer sees every byte beyond. */
static SsTensor next_tensor(Input *in)
{
    SsTensor t = { .dtype = (SsDType)(next_byte(in) % 5), .rank = next_byte(in) % (SS_MAX_RANK + 1) };

    snprintf(t.name, sizeof t.name, "%s", next_name(in));
    for (int i = 0; i < t.rank; i++)
        t.dim[i] = next_dim(in);
    t.size = (size_t)next_byte(in) * 64;
    if (t.size > in->left)
        t.size = in->left;
    if (t.size > 0) {
        t.data = malloc(t.size);
        REQUIRE(t.data);
        memcpy(t.data, in->at, t.size);
    }
    in->at += t.size;
    in->left -= t.size;
    return t;
}

static void require_sound(const SsDetection *det, int n, int max, float threshold)
{
    REQUIRE_CMP(n, <=, max);
    for (int i = 0; i < n; i++) {
        REQUIRE(isfinite(det[i].box.x) && isfinite(det[i].box.y));
        REQUIRE(isfinite(det[i].box.w) && isfinite(det[i].box.h) && det[i].box.w > 0 && det[i].box.h > 0);
        REQUIRE(det[i].score >= threshold && det[i].score <= 1);
        REQUIRE(det[i].class_id >= 0 && det[i].class_id <= UINT16_MAX);
        REQUIRE(i == 0 || det[i - 1].score >= det[i].score);
    }
}

static int count_decoders(void)
{
    int n = 0;

    while (ss_decoder_nth(n))
        n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input in = { data, size };
    const SsDecoder *d = ss_decoder_nth(next_byte(&in) % count_decoders());
    int n_out = next_byte(&in) % 5, max = next_byte(&in) % 32, n;
    SsDecodeParams p = { .input_width = 320, .input_height = 200, .threshold = 0.3F, .nms_iou = 0.45F };
    SsTensor out[4] = { 0 };
    SsDetection det[32];

    for (int i = 0; i < n_out; i++)
        out[i] = next_tensor(&in);
    n = d->decode(out, n_out, &p, det, max);
    REQUIRE(n >= 0 || n == -EPROTO);
    REQUIRE(d->fits(out, n_out) || n == -EPROTO);
    if (d->fits(out, n_out))
        REQUIRE_CMP(d->n_classes(out, n_out), >=, 0);
    require_sound(det, n, max, p.threshold);
    for (int i = 0; i < n_out; i++)
        free(out[i].data);
    return 0;
}

/* --- seeds: one good output of each family --- */

static size_t put_tensor(uint8_t *at, SsDType type, uint8_t name, uint8_t rank, const uint8_t *dim,
                         const void *v, size_t bytes)
{
    size_t size = 0, blocks = (bytes + 63) / 64;

    at[size++] = (uint8_t)type;
    at[size++] = rank;
    at[size++] = name;
    memcpy(at + size, dim, rank);
    size += rank;
    at[size++] = (uint8_t)blocks;
    memset(at + size, 0, blocks * 64);
    memcpy(at + size, v, bytes);
    return size + blocks * 64;
}

static size_t put_head(uint8_t *at, const char *decoder, uint8_t n_out)
{
    uint8_t nth = 0;

    while (strcmp(ss_decoder_nth(nth)->name, decoder) != 0)
        nth++;
    memcpy(at, (uint8_t[]) { nth, n_out, 16 }, 3);
    return 3;
}

static size_t seed_tf_ssd(uint8_t *seed)
{
    static const float box[8] = { 0.1F, 0.1F, 0.5F, 0.5F, 0.2F, 0.2F, 0.9F, 0.9F }, score[2] = { 0.9F, 0.5F };
    static const float id[2] = { 1, 2 }, count[1] = { 2 };
    size_t size = put_head(seed, "tf-ssd", 4);

    size += put_tensor(seed + size, SS_F32, 0, 3, (uint8_t[]) { 0, 15, 1 }, box, sizeof box);
    size += put_tensor(seed + size, SS_F32, 1, 2, (uint8_t[]) { 0, 15 }, score, sizeof score);
    size += put_tensor(seed + size, SS_F32, 2, 2, (uint8_t[]) { 0, 15 }, id, sizeof id);
    return size + put_tensor(seed + size, SS_F32, 3, 1, (uint8_t[]) { 0 }, count, sizeof count);
}

static size_t seed_yolo(uint8_t *seed, bool columns)
{
    float head[6 * 40];
    size_t size = put_head(seed, "yolo", 1);

    for (int i = 0; i < 6 * 40; i++)
        head[i] = (float)(i * 37 % 97) / 97;
    return size + put_tensor(seed + size, SS_F32, 4, 3,
                             columns ? (uint8_t[]) { 0, 10, 140 } : (uint8_t[]) { 0, 140, 10 }, head,
                             sizeof head);
}

static size_t seed_detr_pair(uint8_t *seed)
{
    static const float box[8] = { 0.5F, 0.5F, 0.5F, 0.5F, 0.2F, 0.2F, 0.1F, 0.1F };
    static const float logit[6] = { -4, 2, -9, 0, -1, 1 };
    size_t size = put_head(seed, "rt-detr", 2);

    size += put_tensor(seed + size, SS_F32, 6, 3, (uint8_t[]) { 0, 15, 9 }, logit, sizeof logit);
    return size + put_tensor(seed + size, SS_F32, 7, 3, (uint8_t[]) { 0, 15, 1 }, box, sizeof box);
}

/* One class and f16: 300 queries are to fit into a seed. */
static size_t seed_detr(uint8_t *seed)
{
    uint16_t rows[300 * 5];
    size_t size = put_head(seed, "rt-detr", 1);

    for (int i = 0; i < 300 * 5; i++)
        rows[i] = (uint16_t)(0x2c00 + i * 37 % 0x1000); /* 0.0625 to 1 */
    return size + put_tensor(seed + size, SS_F16, 4, 3, (uint8_t[]) { 0, 11, 4 }, rows, sizeof rows);
}

/* A dim's byte is its place in what next_dim() likes, or 100 more than the dim. */
size_t fuzz_seed(int n, uint8_t *seed)
{
    static const float row[7] = { 0, 1, 0.9F, 0.1F, 0.1F, 0.5F, 0.5F };
    static const float e2e[12] = { 10, 20, 50, 40, 0.5F, 2, 30, 5, 130, 95, 0.875F, 79 };
    size_t size;

    switch (n) {
    case 0:
        return seed_tf_ssd(seed);
    case 1:
        size = put_head(seed, "detection-output", 1);
        return size + put_tensor(seed + size, SS_F32, 5, 4, (uint8_t[]) { 0, 0, 0, 2 }, row, sizeof row);
    case 2:
    case 3: /* both orientations */
        return seed_yolo(seed, n == 2);
    case 4:
        size = put_head(seed, "yolo-e2e", 1);
        return size + put_tensor(seed + size, SS_F32, 4, 3, (uint8_t[]) { 0, 15, 10 }, e2e, sizeof e2e);
    case 5:
        return seed_detr_pair(seed);
    case 6:
        return seed_detr(seed);
    default:
        return 0;
    }
}
