/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_zip_text.h"

#include <string.h>

#include "core/um_str.h"
#include "resp/um_put.h"
#include "resp/um_reply_scan.h"

/* "$" and a length; longer ones are no value's. */
#define HEAD_MAX 24
#define BODY_MAX (UINT64_C(1) << 48)

/*
 * A bulk whose length is known only when its body is there: body_begin() keeps
 * room for its header, body_end() moves the body to where it belongs.
 */
static um_rc_t
body_begin(um_sbuf_t *out)
{
    if (um_sbuf_room(out, HEAD_MAX) == NULL) {
        return UM_ERR;
    }

    out->len += HEAD_MAX;
    return UM_OK;
}

static void
body_end(um_sbuf_t *out, size_t begin)
{
    char *at = out->data + begin;
    size_t len = out->len - begin - HEAD_MAX, n = 1;
    char head[HEAD_MAX];

    head[0] = '$';
    n += um_u64_format(len, head + n);
    head[n++] = '\r';
    head[n++] = '\n';
    memmove(at + n, at + HEAD_MAX, len);
    memcpy(at, head, n);
    out->len = begin + n + len;
    um_sbuf_add(out, "\r\n", 2);
}

um_rc_t
um_zip_words(um_zstd_t *z, const um_str_t *argv, uint32_t argc,
    um_zip_rule_t rule, bool maybe, um_sbuf_t *out, const char **why)
{
    uint64_t most;

    for (uint32_t i = 0; i < argc && !out->failed; i++) {
        size_t begin = out->len;

        if (!um_zip_is_value(rule, i)
            || (maybe && um_zstd_is_frame(argv[i], &most))) {
            um_put_bulk(out, argv[i]);
            continue;
        }

        if (body_begin(out) != UM_OK) {
            break;
        }
        if (um_zstd_pack(z, argv[i], out, why) != UM_OK) {
            return UM_ERR;
        }
        body_end(out, begin);
    }

    if (out->failed) {
        *why = "out of memory";
        return UM_ERR;
    }
    return UM_OK;
}

/*
 * The bulk at the front of `in`: its body, and how many bytes it takes in all.
 * UM_AGAIN: its header is not whole; UM_DECLINED: it is none, or nil.
 */
static um_rc_t
bulk_look(um_str_t in, um_str_t *body, size_t *used)
{
    size_t most = um_min(in.len, (size_t) HEAD_MAX);
    const char *cr;
    uint64_t len;

    if (in.len == 0 || in.data[0] != '$') {
        return in.len == 0 ? UM_AGAIN : UM_DECLINED;
    }

    cr = memchr(in.data, '\r', most);
    if (cr == NULL) {
        return most < HEAD_MAX ? UM_AGAIN : UM_DECLINED;
    }
    if (um_str_to_u64(
            (um_str_t){ in.data + 1, (size_t) (cr - in.data) - 1 }, &len)
            != UM_OK
        || len > BODY_MAX)
    {
        return UM_DECLINED;
    }

    *body = (um_str_t){ cr + 2, len };
    *used = (size_t) (cr + 2 - in.data) + len + 2;
    return UM_OK;
}

static void
unzip_copy(um_unzip_t *u, size_t n)
{
    um_sbuf_add(u->out, u->in.data, n);
    u->in.data += n;
    u->in.len -= n;
}

/* UM_DECLINED: it has no value that could be ours; UM_AGAIN: no room for it. */
static um_rc_t
unzip_frame(um_unzip_t *u, um_zstd_t *z, um_str_t frame, uint64_t most)
{
    um_sbuf_t *out = u->out;
    uint64_t room = u->room - um_min(u->room, (uint64_t) out->len);
    size_t begin = out->len;
    um_rc_t rc = body_begin(out);

    if (rc != UM_OK) {
        return rc;
    }

    most = um_min(most, u->limit);
    rc = um_zstd_unpack(z, frame, um_min(most, room), out);
    if (rc != UM_OK) {
        out->len = begin;
        return rc == UM_AGAIN
                       && (most <= room
                           || !um_zstd_has_value(z, frame, u->limit))
                   ? UM_DECLINED
                   : rc;
    }

    body_end(out, begin);
    return out->failed ? UM_ERR : UM_OK;
}

/* One element: a value, or whatever it is. */
static um_rc_t
unzip_element(um_unzip_t *u, um_zstd_t *z, uint64_t budget)
{
    um_reply_scan_t scan;
    um_str_t body = { "", 0 };
    size_t used = 0;
    uint64_t most;

    if (bulk_look(u->in, &body, &used) != UM_OK) {
        memset(&scan, 0, sizeof(scan));
        if (um_reply_scan(&scan, u->in.data, u->in.len, &used) != UM_OK) {
            used = u->in.len;
        }
        unzip_copy(u, used);
        return UM_OK;
    }

    if (used > u->in.len || !um_zstd_is_frame(body, &most)) {
        unzip_copy(u, um_min(used, u->in.len));
        return UM_OK;
    }

    if (most > budget) {
        return UM_AGAIN;
    }

    switch (unzip_frame(u, z, body, most)) {
    case UM_OK:
        u->unpacked++;
        u->in.data += used;
        u->in.len -= used;
        return UM_OK;
    case UM_DECLINED:
        u->refused++;
        unzip_copy(u, used);
        return UM_OK;
    case UM_AGAIN:
        return UM_DECLINED;
    default:
        return UM_ERR;
    }
}

um_rc_t
um_unzip(um_unzip_t *u, um_zstd_t *z, uint64_t budget)
{
    if (!u->begun && u->in.len > 0 && u->in.data[0] == '*') {
        const char *lf = memchr(u->in.data, '\n', u->in.len);

        unzip_copy(u, lf == NULL ? u->in.len : (size_t) (lf + 1 - u->in.data));
    }
    u->begun = true;

    while (u->in.len > 0) {
        size_t before = u->out->len;
        um_rc_t rc = unzip_element(u, z, budget);

        if (rc != UM_OK) {
            return rc;
        }

        budget -= um_min(budget, (uint64_t) (u->out->len - before));
    }

    return u->out->failed ? UM_ERR : UM_OK;
}

bool
um_unzip_may(um_str_t head)
{
    um_str_t body;
    size_t used;

    if (head.len == 0 || head.data[0] == '*') {
        return true;
    }

    switch (bulk_look(head, &body, &used)) {
    case UM_OK:
        used = (size_t) (body.data - head.data);
        return body.len >= 9
               && (used >= head.len
                   || um_zstd_may_begin((um_str_t){
                       body.data, um_min(body.len, head.len - used) }));
    case UM_AGAIN:
        return true;
    default:
        return false;
    }
}
