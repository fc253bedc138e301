/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_zip.h"

#include <stdlib.h>

#include "core/um_log.h"
#include "proxy/um_client.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_trace.h"
#include "proxy/um_zip_priv.h"

/* Bytes of values packed within a turn: 0.7 ms, at 400 MB/s. */
#define PACK_HERE 262144u

/* Bytes of one reply unpacked within a turn, and of all replies: 2.5 ms, at
 * 1600 MB/s.  Small ones are worth no thread as long as they are few. */
#define UNPACK_HERE  524288u
#define UNPACK_SMALL 131072u
#define UNPACK_TURN  4194304u

/* Buffers that have grown beyond this are given back. */
#define KEEP_MAX 262144u

um_zip_t *
um_zip_new(um_worker_t *w)
{
    um_zip_t *zip = calloc(1, sizeof(*zip));

    if (zip == NULL) {
        um_log_error(0, "compression: out of memory");
        return NULL;
    }

    zip->w = w;
    return zip;
}

static void
buffer_trim(um_sbuf_t *b)
{
    if (b->cap > KEEP_MAX) {
        um_sbuf_deinit(b);
    }
}

um_zip_rule_t
um_zip_rule_now(const um_worker_t *w, const um_cmd_t *cmd, const um_str_t *argv,
    uint32_t argc)
{
    if (!um_zip_is_on(w)) {
        return (um_zip_rule_t){ 0, 0, false, false };
    }

    return um_zip_rule(
        cmd, argv, argc, w->topo->compression == UM_COMPRESS_SET_GET);
}

bool
um_zip_is_big(
    const um_worker_t *w, const um_cmd_t *cmd, uint32_t argc, size_t size)
{
    uint64_t most = um_min((uint64_t) PACK_HERE, w->conf->big_request);

    /* What does not pack grows, by less than 16 bytes a word. */
    return size + 16ul * argc > most
           && (um_zip_may_pack(cmd) || cmd->self == UM_SELF_UMFORWARD);
}

um_unzip_t
um_zip_unzip(const um_worker_t *w)
{
    return (um_unzip_t){
        .limit = w->conf->max_bulk,
        .room = w->conf->client_output_limit,
    };
}

void
um_zip_fail(um_req_t *r, um_rc_t rc)
{
    if (rc == UM_DECLINED) {
        um_req_fail(r, "ERR the reply would be longer than "
                       "client_output_limit, once it is decompressed");
    } else {
        um_req_fail(r, "ERR out of memory");
    }
}

void
um_zip_count_packed(const um_worker_t *w, um_zip_rule_t rule, uint32_t argc)
{
    uint32_t n = rule.step == 0 ? 1 : (argc - rule.first - 1) / rule.step + 1;

    um_stat_add(w->row, UM_STAT_VALUES_PACKED, n);
}

void
um_zip_count_unpacked(const um_worker_t *w, const um_unzip_t *u)
{
    um_stat_add(w->row, UM_STAT_VALUES_UNPACKED, u->unpacked);
    um_stat_add(w->row, UM_STAT_VALUES_UNREADABLE, u->refused);
}

/* Bytes of values; up to so many the command goes as others do. */
static uint64_t
values_size(const um_str_t *argv, uint32_t argc, um_zip_rule_t rule)
{
    uint64_t size = 0;

    for (uint32_t i = rule.first; i < argc; i += rule.step) {
        size += argv[i].len;
        if (rule.step == 0) {
            break;
        }
    }

    return size;
}

um_rc_t
um_zip_send(um_req_t *r, um_verdict_t v, const um_str_t *argv, uint32_t argc,
    um_zip_rule_t rule)
{
    um_zip_t *zip = r->w->zip;
    const char *why = NULL;

    if (rule.unpack) {
        r->hooks |= UM_HOOK_UNZIP;
    }
    if (rule.first == 0) {
        return UM_DECLINED;
    }

    um_trace_keep(r, argv, argc); /* what is sent is not what was said */
    if (values_size(argv, argc, rule) > PACK_HERE) {
        um_zip_pack_later(r, argv, argc, rule);
        return UM_OK;
    }

    um_sbuf_clear(&zip->text);
    if (um_zip_words(&zip->zstd, argv, argc, rule, !r->plain, &zip->text, &why)
        != UM_OK)
    {
        um_req_fail(r, "failed to compress data: %s", why);
        return UM_OK;
    }

    um_zip_count_packed(r->w, rule, argc);
    um_dispatch_send(r, v, (um_str_t){ zip->text.data, zip->text.len }, argc);
    buffer_trim(&zip->text);
    return UM_OK;
}

static uint64_t
turn_budget(um_zip_t *zip)
{
    uint64_t now = um_worker_now(zip->w);

    if (zip->turn_ns != now) {
        zip->turn_ns = now;
        zip->spent = 0;
    }

    return zip->spent < UNPACK_TURN       ? UNPACK_HERE
           : zip->spent < 2 * UNPACK_TURN ? UNPACK_SMALL
                                          : 0;
}

/* Answer `r` with what is in the whole reply `in`. */
static void
reply_whole(um_req_t *r, um_str_t in)
{
    um_zip_t *zip = r->w->zip;
    um_unzip_t u = um_zip_unzip(r->w);
    um_rc_t rc;

    u.in = in;
    u.out = &zip->text;
    um_sbuf_clear(&zip->text);
    rc = um_unzip(&u, &zip->zstd, turn_budget(zip));
    zip->spent += zip->text.len;

    switch (rc) {
    case UM_OK:
        um_zip_count_unpacked(r->w, &u);
        um_req_reply(r, zip->text.data, zip->text.len, true);
        break;
    case UM_AGAIN:
        um_zip_unpack_later(r, &u);
        break;
    default:
        um_zip_fail(r, rc);
    }

    buffer_trim(&zip->text);
}

/* False: the client is gone, and `r` with it. */
static bool
reply_keep(um_req_t *r, const char *data, size_t len)
{
    um_client_t *c = r->client;

    if (um_chain_add(&r->reply, &r->w->chunks, data, len, true) != UM_OK) {
        um_log_error(
            0, "client %lu: closed: out of memory", (unsigned long) c->st.id);
        um_client_kill(c);
        return false;
    }

    c->held += len;
    return !um_req_client_is_over(c);
}

/* The pieces kept and the last one, in one piece. */
static void
reply_flat(um_req_t *r, const char *data, size_t len)
{
    um_zip_t *zip = r->w->zip;
    size_t kept = r->reply.len;
    char *at;

    um_sbuf_clear(&zip->flat);
    at = um_sbuf_room(&zip->flat, kept + len);
    if (at == NULL) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    um_chain_peek(&r->reply, at, kept);
    zip->flat.len = kept;
    um_sbuf_add(&zip->flat, data, len);

    r->client->held -= kept;
    um_chain_free(&r->reply, &r->w->chunks);
    reply_whole(r, (um_str_t){ zip->flat.data, zip->flat.len });
    buffer_trim(&zip->flat);
}

bool
um_zip_reply(um_req_t *r, const char *data, size_t len, bool last)
{
    if (r->client == NULL
        || (r->reply.head == NULL && !um_unzip_may((um_str_t){ data, len })))
    {
        r->hooks &= (uint8_t) ~UM_HOOK_UNZIP;
        return false;
    }

    if (!last) {
        (void) reply_keep(r, data, len);
        return true;
    }

    r->hooks &= (uint8_t) ~UM_HOOK_UNZIP;
    if (r->reply.head == NULL) {
        reply_whole(r, (um_str_t){ data, len });
    } else if (r->reply.len + len <= UNPACK_HERE) {
        reply_flat(r, data, len);
    } else if (reply_keep(r, data, len)) {
        um_zip_unpack_later(r, NULL);
    }

    return true;
}
