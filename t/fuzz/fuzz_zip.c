/*
 * fuzz_zip.c -- replies with what may be compressed values in them.
 *
 * The bytes begin with a reply, or nearly: unpacked at once and with small
 * budgets it is the same, and where um_unzip_may() sees nothing nothing is
 * changed.  As a value, they come back from a frame.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "resp/um_reply_scan.h"
#include "resp/um_zip_text.h"

#define LIMIT 1000000
#define ROOM  3000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static um_zstd_t zstd;

static um_rc_t
unzip(um_str_t in, uint64_t budget, um_sbuf_t *out)
{
    um_unzip_t u = { .in = in, .out = out, .limit = LIMIT, .room = ROOM };
    um_rc_t rc;

    while ((rc = um_unzip(&u, &zstd, budget)) == UM_AGAIN) {
        um_assert(budget != UINT64_MAX);
        budget = budget < LIMIT ? budget * 2 : UINT64_MAX;
    }

    um_assert(rc == UM_OK || rc == UM_DECLINED);
    um_assert(out->len <= in.len + ROOM + 32);
    return rc;
}

static void
replies(um_str_t in)
{
    um_sbuf_t whole = { 0 }, cut = { 0 };
    um_reply_scan_t scan;
    um_rc_t rc;
    size_t used = SIZE_MAX;

    memset(&scan, 0, sizeof(scan));
    if (um_reply_scan(&scan, in.data, in.len, &used) == UM_OK) {
        in.len = used;
    }

    rc = unzip(in, UINT64_MAX, &whole);

    um_assert(unzip(in, 1000, &cut) == rc);
    um_assert(whole.len == cut.len);
    um_assert(cut.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0);

    if (in.len == used && !um_unzip_may(in)) {
        um_assert(rc == UM_OK && whole.len == in.len);
        um_assert(in.len == 0 || memcmp(whole.data, in.data, in.len) == 0);
    }

    um_sbuf_deinit(&whole);
    um_sbuf_deinit(&cut);
}

static void
values(um_str_t value)
{
    um_sbuf_t frame = { 0 }, back = { 0 };
    const char *why;
    uint64_t most;

    um_assert(um_zstd_pack(&zstd, value, &frame, &why) == UM_OK);
    um_assert(um_zstd_is_frame((um_str_t){ frame.data, frame.len }, &most));
    um_assert(
        um_zstd_unpack(&zstd, (um_str_t){ frame.data, frame.len }, most, &back)
        == UM_OK);
    um_assert(back.len == value.len);
    um_assert(value.len == 0 || memcmp(back.data, value.data, value.len) == 0);

    um_sbuf_deinit(&frame);
    um_sbuf_deinit(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* at its end the sanitizer watches */
    um_str_t in = { copy, size };

    if (copy == NULL) {
        return 0;
    }

    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy = realloc(copy, size > 0 ? size : 1);
    in.data = copy;
    replies(in);
    values(in);
    free(copy);
    return 0;
}
