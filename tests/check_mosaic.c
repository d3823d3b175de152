/* SPDX-License-Identifier: Apache-2.0 */
/* The mosaic that hides: how large its blocks are, and what it makes of each format's pixels. */
#include "gst/mosaic.h"

#include "pixels.h"
#include "test.h"

static void test_blocks(void)
{
    for (int size = 1; size <= 8192; size++) {
        const int block = ss_mosaic_block(size / 3, size);

        REQUIRE_CMP(block, >=, 8);
        REQUIRE_CMP(block % 8, ==, 0);
        REQUIRE_CMP((size + block - 1) / block, <=, 8);
        REQUIRE_CMP(block, <=, size / 8 + 8);
        REQUIRE_CMP(ss_mosaic_block(size, size / 3), ==, block);
    }
}

/* A block is the mean of its pixels, and nothing else is touched. */
static void require_mosaic(const GstVideoInfo *info, SsRect rect, int block)
{
    GstBuffer *buffer[2] = { noise_picture(info), noise_picture(info) };
    const SsRect r = ss_mosaic_area(rect, block, info->width, info->height);
    GstVideoFrame f, before;

    REQUIRE(gst_video_frame_map(&f, info, buffer[0], GST_MAP_READWRITE));
    REQUIRE(gst_video_frame_map(&before, info, buffer[1], GST_MAP_READ));
    ss_mosaic_draw(&f, r, block);
    REQUIRE(pixelated(&f, r.x, r.y, r.w, r.h, block));
    double sum = 0;
    int n = 0;
    for (int y = 0; y < info->height; y++)
        for (int x = 0; x < info->width; x++) {
            int was[3];

            get_pixel(&before, x, y, was);
            if (x < r.x || y < r.y || x >= r.x + r.w || y >= r.y + r.h)
                REQUIRE(pixel_is(&f, x, y, was, 0));
            else if (x < r.x + block && y < r.y + block)
                sum += was[0], n++;
        }
    if (n > 0) {
        int first[3];
        get_pixel(&f, r.x, r.y, first);
        REQUIRE_NEAR(first[0], sum / n, 0.5001);
    }
    gst_video_frame_unmap(&f);
    gst_video_frame_unmap(&before);
    gst_buffer_unref(buffer[0]);
    gst_buffer_unref(buffer[1]);
}

static void test_mosaic_in_every_format(void)
{
    static const int sizes[][2] = { { 1, 1 }, { 7, 9 }, { 97, 61 }, { 160, 120 }, { 1100, 20 } };
    static const SsRect rects[] = { { 0, 0, 2000, 2000 }, { 17, 9, 40, 30 }, { -20, -9, 25, 19 },
                                    { 90, 50, 40, 40 },   { 3, 3, 1, 1 },    { 500, 500, 9, 9 },
                                    { 5, 5, 0, 10 } };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(sizes); i++)
        for (guint k = 0; k < G_N_ELEMENTS(rects) * 2; k++) {
            const int *size = sizes[i / n_formats];
            const GstVideoInfo info = info_of(formats[i % n_formats], size[0], size[1]);

            require_mosaic(&info, rects[k / 2], k % 2 ? 24 : 8);
        }
    const GstVideoInfo large = info_of("BGRx", 8192, 40);
    require_mosaic(&large, (SsRect) { 0, 0, 8192, 40 }, ss_mosaic_block(8192, 40));
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    test_blocks();
    test_mosaic_in_every_format();
    gst_deinit();
    return 0;
}
