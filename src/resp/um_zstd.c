/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_zstd.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 8878: magic number, frame header descriptor, window descriptor. */
#define FRAME_HEAD "\x28\xb5\x2f\xfd\x00\x48"
#define HEAD_LEN   (sizeof(FRAME_HEAD) - 1)
#define WINDOW_LOG 19

/* The frame of an empty value is the only one that tells its size. */
#define FRAME_EMPTY "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"
#define EMPTY_LEN   (sizeof(FRAME_EMPTY) - 1)

#define BLOCK_MAX 131072u

enum { BLOCK_RAW, BLOCK_RLE, BLOCK_PACKED, BLOCK_RESERVED };

void
um_zstd_deinit(um_zstd_t *z)
{
    (void) ZSTD_freeCCtx(z->pack);
    (void) ZSTD_freeDCtx(z->unpack);
    *z = (um_zstd_t){ NULL, NULL };
}

static um_rc_t
pack_begin(um_zstd_t *z, const char **why)
{
    size_t err = 0;

    if (z->pack == NULL) {
        z->pack = ZSTD_createCCtx();
        if (z->pack == NULL) {
            *why = "out of memory";
            return UM_ERR;
        }

        err = ZSTD_CCtx_setParameter(z->pack, ZSTD_c_compressionLevel, 1);
        if (!ZSTD_isError(err)) {
            err = ZSTD_CCtx_setParameter(z->pack, ZSTD_c_windowLog, WINDOW_LOG);
        }
    } else {
        err = ZSTD_CCtx_reset(z->pack, ZSTD_reset_session_only);
    }

    if (ZSTD_isError(err)) {
        *why = ZSTD_getErrorName(err);
        return UM_ERR;
    }

    return UM_OK;
}

/* Take all of `in`; with ZSTD_e_end also end the frame. */
static um_rc_t
pack_step(um_zstd_t *z, ZSTD_inBuffer *in, ZSTD_EndDirective how,
    um_sbuf_t *out, const char **why)
{
    size_t left;

    do {
        char *at = um_sbuf_room(out, ZSTD_CStreamOutSize());
        ZSTD_outBuffer room = { at, out->cap - out->len, 0 };

        if (at == NULL) {
            *why = "out of memory";
            return UM_ERR;
        }

        left = ZSTD_compressStream2(z->pack, &room, in, how);
        if (ZSTD_isError(left)) {
            *why = ZSTD_getErrorName(left);
            return UM_ERR;
        }
        out->len += room.pos;
    } while (how == ZSTD_e_end ? left > 0 : in->pos < in->size);

    return UM_OK;
}

/*
 * As a stream whose length is not known, or the header would tell it.  That of
 * the empty value does: its end is all that zstd ever sees of it.
 */
um_rc_t
um_zstd_pack(um_zstd_t *z, um_str_t value, um_sbuf_t *out, const char **why)
{
    ZSTD_inBuffer in = { value.data, value.len, 0 };
    size_t before = out->len;

    if (pack_begin(z, why) != UM_OK
        || (value.len > 0
            && pack_step(z, &in, ZSTD_e_continue, out, why) != UM_OK)
        || pack_step(z, &in, ZSTD_e_end, out, why) != UM_OK)
    {
        out->len = before;
        return UM_ERR;
    }

    return UM_OK;
}

bool
um_zstd_may_begin(um_str_t data)
{
    return memcmp(data.data, FRAME_HEAD, um_min(data.len, HEAD_LEN)) == 0
           || memcmp(data.data, FRAME_EMPTY, um_min(data.len, EMPTY_LEN)) == 0;
}

bool
um_zstd_is_frame(um_str_t data, uint64_t *most)
{
    const unsigned char *p = (const unsigned char *) data.data;
    size_t at = HEAD_LEN;
    bool last = false;

    *most = 0;
    if (data.len == EMPTY_LEN && memcmp(p, FRAME_EMPTY, EMPTY_LEN) == 0) {
        return true;
    }
    if (data.len <= HEAD_LEN || memcmp(p, FRAME_HEAD, HEAD_LEN) != 0) {
        return false;
    }

    while (!last) {
        uint32_t head, size, type;

        if (data.len - at < 3) {
            return false;
        }

        head = p[at] | (uint32_t) p[at + 1] << 8 | (uint32_t) p[at + 2] << 16;
        at += 3;
        last = head & 1;
        type = head >> 1 & 3;
        size = head >> 3;
        if (size > BLOCK_MAX || type == BLOCK_RESERVED) {
            return false;
        }

        *most += type == BLOCK_PACKED ? BLOCK_MAX : size;
        size = type == BLOCK_RLE ? 1 : size;
        if (data.len - at < size) {
            return false;
        }
        at += size;
    }

    return at == data.len;
}

static bool
unpack_begin(um_zstd_t *z)
{
    if (z->unpack == NULL) {
        z->unpack = ZSTD_createDCtx();
    }

    return z->unpack != NULL;
}

um_rc_t
um_zstd_unpack(um_zstd_t *z, um_str_t data, uint64_t most, um_sbuf_t *out)
{
    char *at = um_sbuf_room(out, most);
    size_t n;

    if (at == NULL || !unpack_begin(z)) {
        return UM_ERR;
    }

    n = ZSTD_decompressDCtx(z->unpack, at, most, data.data, data.len);
    if (ZSTD_isError(n)) {
        return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall
                   ? UM_AGAIN
                   : UM_DECLINED;
    }

    out->len += n;
    return UM_OK;
}

bool
um_zstd_has_value(um_zstd_t *z, um_str_t data, uint64_t limit)
{
    ZSTD_inBuffer in = { data.data, data.len, 0 };
    um_sbuf_t some = { 0 };
    char *at = um_sbuf_room(&some, ZSTD_DStreamOutSize());
    uint64_t len = 0;
    size_t left = 1;

    if (at == NULL || !unpack_begin(z)
        || ZSTD_isError(ZSTD_DCtx_reset(z->unpack, ZSTD_reset_session_only)))
    {
        um_sbuf_deinit(&some);
        return false;
    }

    while (left != 0 && len <= limit) {
        ZSTD_outBuffer room = { at, some.cap, 0 };

        left = ZSTD_decompressStream(z->unpack, &room, &in);
        if (ZSTD_isError(left) || (room.pos == 0 && in.pos == in.size)) {
            break;
        }
        len += room.pos;
    }

    um_sbuf_deinit(&some);
    return left == 0 && len <= limit;
}
