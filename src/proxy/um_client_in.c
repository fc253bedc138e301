/*
 * The usual request arrives whole: it is read into the worker's buffer, and
 * the client owns no memory at all.  Only what is left over, or must wait, is
 * kept in a buffer of the client's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_client_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_log.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_worker.h"

/* One client's share of a turn. */
#define READ_MAX 65536

/* Replies not yet written beyond which a client is not read from, when memory
 * or its client_output_limit is scarce. */
#define OUT_HIGH      262144
#define OUT_LIMIT_LOW (32u << 20)

void
um_client_in_free(um_client_t *c)
{
    c->w->in_memory -= c->in.cap;
    free(c->in.data);
    memset(&c->in, 0, sizeof(c->in));
    memset(&c->scan, 0, sizeof(c->scan));
}

/* Room for `more` bytes behind those that are there. */
static um_rc_t
in_room(um_client_t *c, size_t more)
{
    size_t have = c->in.len - c->in.off;
    size_t cap = um_max(c->in.cap, 512u);
    char *data;

    if (c->in.off > 0 && c->in.cap - c->in.len < more) {
        memmove(c->in.data, c->in.data + c->in.off, have);
        c->in.off = 0;
        c->in.len = have;
    }

    if (c->in.cap - c->in.len >= more) {
        return UM_OK;
    }

    while (cap < have + more) {
        cap *= 2;
    }

    if (cap > READ_MAX
        && um_worker_memory(c->w) > c->w->conf->buffer_memory << c->st.no_evict)
    {
        return UM_ERR;
    }

    data = realloc(c->in.data, cap);
    if (data == NULL) {
        return UM_ERR;
    }

    c->w->in_memory += cap - c->in.cap;
    c->w->memory_peak = um_max(c->w->memory_peak, um_worker_memory(c->w));
    c->in.data = data;
    c->in.cap = cap;
    return UM_OK;
}

static um_rc_t
in_keep(um_client_t *c, const char *data, size_t len)
{
    if (in_room(c, len) != UM_OK) {
        return UM_ERR;
    }

    memcpy(c->in.data + c->in.len, data, len);
    c->in.len += len;
    return UM_OK;
}

/* Say what is wrong, after all replies already due, and close.  One that waits
 * for what may never come is closed at once. */
static void
client_fail(um_client_t *c, const char *text)
{
    um_req_t *r = c->blocked ? NULL : um_req_new(c->w, UM_REQ_CLIENT);

    um_stat_add(c->w->row, UM_STAT_CLIENTS_CLOSED_PROTOCOL, 1);
    if (r == NULL) {
        um_client_kill(c);
        return;
    }

    um_client_queue(c, r);
    um_client_close_after(c);
    if (!c->dead) {
        um_req_error(r, "ERR %s", text);
    }
}

/* CLIENT REPLY: nobody wants to know what becomes of `r`. */
static void
client_mute(um_client_t *c, um_req_t *r)
{
    r->hooks |= UM_HOOK_MUTED;
    if (c->st.reply == UM_REPLY_SKIP) {
        c->st.reply = UM_REPLY_ON;
    }
}

void
um_client_queue(um_client_t *c, um_req_t *r)
{
    if (um_unlikely(c->st.reply != UM_REPLY_ON)) {
        client_mute(c, r);
    }

    r->client = c;
    r->in_client = true;
    r->next = NULL;
    if (c->tail == NULL) {
        c->head = r;
    } else {
        c->tail->next = r;
    }
    c->tail = r;
    c->pending++;
}

/*
 * Is so much kept for it that it must read before it may say more?  Many
 * clients write a pipeline to its end, a hundred megabytes even, before they
 * read the first reply: stopped too soon they would wait for us and we for
 * them.
 */
static bool
client_must_read(const um_client_t *c)
{
    const um_proxy_conf_t *conf = c->w->conf;
    uint64_t has = c->out.len + c->held;

    return has > OUT_HIGH
           && (conf->client_output_limit < OUT_LIMIT_LOW
               || has > conf->client_output_limit / 2
               || um_worker_memory(c->w) > conf->buffer_memory / 2);
}

/* Must it wait with its next command? */
static bool
client_is_held(const um_client_t *c)
{
    return c->barrier != NULL || c->waiting_for != NULL
           || c->pending >= c->w->conf->max_pipeline || client_must_read(c)
           || (uint64_t) c->pending * c->reply_mean > UM_CLIENT_WINDOW;
}

/*
 * Start every whole command in data[0..len).  How many bytes were used up;
 * the client may be dead or closing afterwards.
 */
static size_t
client_consume(um_client_t *c, const char *data, size_t len)
{
    um_worker_t *w = c->w;
    size_t off = 0;

    while (off < len) {
        size_t used = 0;
        const char *err = NULL;
        um_rc_t rc;

        if (um_unlikely(client_is_held(c))) {
            c->paused = true;
            break;
        }

        w->limits.unauthenticated =
            !c->st.authenticated && !um_client_has_control(c);
        rc = um_scan_request(
            &c->scan, &w->limits, data + off, len - off, &w->args, &used, &err);
        if (rc == UM_AGAIN) {
            break;
        }
        if (um_unlikely(rc != UM_OK)) {
            client_fail(c, err);
            return len;
        }

        if (w->args.argc > 0
            && um_dispatch(c, &w->args, (um_str_t){ data + off, used })
                   == UM_AGAIN)
        {
            c->paused = true;
            break;
        }

        off += used;
        if (um_unlikely(c->dead || c->closing)) {
            return len;
        }
    }

    return off;
}

/* Too much for one command, what is still to come included?  What waits for
 * its turn may be many. */
static bool
client_request_is_too_big(const um_client_t *c)
{
    return !c->paused
           && c->in.len - c->in.off + c->scan.need > c->w->conf->max_request;
}

/*
 * One that blocks is read from, as Redis does it: that it leaves must show, and
 * shows behind all it has said.  A little where memory is short.
 */
static bool
client_is_listened_to(const um_client_t *c)
{
    const um_proxy_conf_t *conf = c->w->conf;

    return c->blocked
           && c->in.len < (um_worker_memory(c->w) < conf->buffer_memory / 2
                               ? conf->max_request
                               : READ_MAX);
}

static void
client_set_reading(um_client_t *c)
{
    bool on = (!c->paused || client_is_listened_to(c)) && !c->closing;

    if (um_unlikely(c->io.reading != on)
        && um_io_want_read(&c->io, on) != UM_OK) {
        um_client_kill(c);
    }
}

/* Start what the client's own buffer holds. */
static void
client_consume_own(um_client_t *c)
{
    size_t used =
        client_consume(c, c->in.data + c->in.off, c->in.len - c->in.off);

    if (c->dead || c->closing) {
        return;
    }

    c->in.off += used;
    if (c->in.off == c->in.len) {
        um_client_in_free(c);
    } else if (client_request_is_too_big(c)) {
        client_fail(c, "Protocol error: request is too big");
    }
}

static void
client_on_eof(um_client_t *c)
{
    /* It may only have shut down its sending side: answer what it asked.  Not
     * what may come one day or never; Redis does not wait either. */
    if (c->blocked) {
        um_client_kill(c);
    } else {
        um_client_close_after(c);
    }
}

/* Where to read to, and how much.  NULL: no memory. */
static char *
client_read_into(um_client_t *c, size_t *size)
{
    size_t want = READ_MAX;

    if (c->in.len == 0) {
        *size = READ_MAX;
        return c->w->rbuf;
    }

    /* The rest of a large value straight to where it belongs; memory grows
     * with what has really come, not with what was announced. */
    if (c->scan.need > 0) {
        want = um_min(c->scan.need, um_max(c->in.len, (size_t) READ_MAX));
        want = um_max(want, 4096u);
    }
    if (in_room(c, want) != UM_OK) {
        return NULL;
    }

    *size = c->in.cap - c->in.len;
    return c->in.data + c->in.len;
}

void
um_client_on_readable(void *data)
{
    um_client_t *c = data;
    um_worker_t *w = c->w;
    bool own = c->in.len > 0;
    size_t size, used;
    char *into = client_read_into(c, &size);
    ssize_t n;

    if (um_unlikely(into == NULL)) {
        um_stat_add(w->row, UM_STAT_CLIENTS_CLOSED_MEMORY, 1);
        client_fail(c, "out of memory for a request of this size");
        return;
    }

    n = recv(c->io.fd, into, size, 0);
    if (um_unlikely(n <= 0)) {
        if (n == 0) {
            client_on_eof(c);
        } else if (errno != EAGAIN && errno != EINTR) {
            um_client_kill(c);
        }
        return;
    }

    c->last_ns = um_worker_now(w);
    c->bytes_in += (uint64_t) n;
    um_stat_add(w->row, UM_STAT_BYTES_IN, (uint64_t) n);

    if (own) {
        c->in.len += (size_t) n;
        client_consume_own(c);
    } else {
        used = client_consume(c, into, (size_t) n);
        if (!c->dead && !c->closing && used < (size_t) n
            && in_keep(c, into + used, (size_t) n - used) != UM_OK)
        {
            client_fail(c, "out of memory");
        }
    }

    if (um_unlikely(c->paused) && !c->dead) {
        client_set_reading(c);
    }
}

void
um_client_go_on(um_client_t *c)
{
    um_list_del(&c->resume_link);

    if (c->dead || c->closing || !c->paused || client_is_held(c)) {
        return;
    }

    c->paused = c->drain = false;
    if (c->in.len > 0) {
        client_consume_own(c);
    }

    if (!c->dead) {
        client_set_reading(c);
    }
}
