/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "proxy/um_block.h"
#include "proxy/um_client.h"
#include "proxy/um_trace.h"
#include "proxy/um_worker.h"
#include "resp/um_put.h"
#include "resp/um_reply_scan.h"

um_join_t *
um_join_new(um_req_t *parent, um_join_how_t how, uint32_t keys)
{
    um_join_t *j = malloc(
        sizeof(*j) + keys * (sizeof(j->part[0]) + sizeof(j->key_part[0])));

    if (j == NULL) {
        return NULL;
    }

    memset(j, 0, offsetof(um_join_t, said));
    j->parent = parent;
    j->how = how;
    j->keys = keys;
    j->part = (um_req_t **) (void *) (j + 1);
    j->key_part = (uint32_t *) (void *) (j->part + keys);
    return j;
}

void
um_join_say(um_join_t *j, const um_str_t *argv, uint32_t argc)
{
    size_t used = 0;

    j->argc = argc;
    for (uint32_t i = 0; i < um_min(argc, UM_JOIN_WORDS); i++) {
        size_t len = um_min(argv[i].len, sizeof(j->said) - used);

        memcpy(j->said + used, argv[i].data, len);
        used += len;
        j->word_end[i] = (uint16_t) used;
        j->words = (uint16_t) (i + 1);
        if (used == sizeof(j->said)) {
            return;
        }
    }
}

/* It took long: the slow log wants its words. */
static void
join_tell(const um_join_t *j)
{
    um_str_t argv[UM_JOIN_WORDS + 1];
    uint32_t begin = 0, n = 0;
    char more[48];

    for (; n < j->words; n++) {
        argv[n] = (um_str_t){ j->said + begin, j->word_end[n] - begin };
        begin = j->word_end[n];
    }
    if (n < j->argc) {
        int len = snprintf(
            more, sizeof(more), "... (%u more arguments)", j->argc - n);

        argv[n++] = (um_str_t){ more, (size_t) len };
    }

    um_trace_keep(j->parent, argv, n);
}

/* The parts are nobody's any more; those in a FIFO stay there. */
static void
join_drop_parts(um_join_t *j)
{
    for (uint32_t i = 0; i < j->parts; i++) {
        um_req_t *p = j->part[i];

        if (p == NULL) {
            continue;
        }
        if (!p->waiting) {
            um_chain_free(&p->reply, &p->w->chunks);
        }
        p->join = NULL;
        p->client = NULL;
        if (p->hooks & UM_HOOK_BLOCKED && p->in_backend) {
            um_block_left(p);
        }
        p->async = false;
        um_req_release(p);
    }
}

void
um_join_abandon(um_join_t *j)
{
    join_drop_parts(j);
    free(j);
}

/* Take one reply value from the front of `from` to the end of `to`. */
static um_rc_t
value_move(um_chain_t *to, um_chain_t *from, um_chunks_t *pool)
{
    um_reply_scan_t scan;

    memset(&scan, 0, sizeof(scan));

    while (from->head != NULL) {
        um_chunk_t *k = from->head;
        size_t used = k->len - k->off;
        um_rc_t rc =
            um_reply_scan(&scan, k->data + k->off, k->len - k->off, &used);

        if (rc == UM_AGAIN) {
            used = k->len - k->off;
        } else if (rc != UM_OK) {
            return UM_ERR;
        }

        if (um_chain_add(to, pool, k->data + k->off, used, true) != UM_OK) {
            return UM_ERR;
        }
        um_chain_consume(from, pool, used);
        if (rc == UM_OK) {
            return UM_OK;
        }
    }

    return UM_ERR;
}

/* The number in a line like ":12" or "*3" at the front of `c`; the line is
 * consumed. */
static um_rc_t
line_number(um_chain_t *c, um_chunks_t *pool, char type, int64_t *v)
{
    char text[32];
    size_t n = um_min(c->len, sizeof(text));
    const char *end;

    um_chain_peek(c, text, n);
    end = memchr(text, '\r', n);
    if (n < 4 || text[0] != type || end == NULL) {
        return UM_ERR;
    }

    um_chain_consume(c, pool, (size_t) (end - text) + 2);
    return um_str_to_i64((um_str_t){ text + 1, (size_t) (end - text) - 1 }, v)
                   == UM_OK
               ? UM_OK
               : UM_ERR;
}

static bool
part_is_error(const um_req_t *p)
{
    char first = 0;

    if (p->reply.len == 0) {
        return true;
    }

    um_chain_peek(&p->reply, &first, 1);
    return first == '-' || first == '!';
}

/* The part of the first key, in the order of the keys, that failed. */
static um_req_t *
join_first_error(const um_join_t *j)
{
    for (uint32_t i = 0; i < j->keys; i++) {
        um_req_t *p = j->part[j->key_part[i]];

        if (part_is_error(p)) {
            return p;
        }
    }

    return NULL;
}

static um_rc_t
join_array(um_join_t *j, um_chain_t *out, um_chunks_t *pool)
{
    char line[24];
    size_t len = 1;

    line[0] = '*';
    len += um_u64_format(j->keys, line + 1);
    line[len++] = '\r';
    line[len++] = '\n';
    if (um_chain_add(out, pool, line, len, true) != UM_OK) {
        return UM_ERR;
    }

    for (uint32_t i = 0; i < j->parts; i++) {
        um_req_t *p = j->part[i];
        int64_t count;

        if (line_number(&p->reply, pool, '*', &count) != UM_OK
            || count != (int64_t) (uintptr_t) p->data)
        {
            return UM_ERR;
        }
    }

    for (uint32_t i = 0; i < j->keys; i++) {
        if (value_move(out, &j->part[j->key_part[i]]->reply, pool) != UM_OK) {
            return UM_ERR;
        }
    }

    return UM_OK;
}

static um_rc_t
join_sum(um_join_t *j, um_chain_t *out, um_chunks_t *pool)
{
    um_sbuf_t text = { 0 };
    int64_t sum = 0;
    um_rc_t rc;

    for (uint32_t i = 0; i < j->parts; i++) {
        int64_t v;

        if (line_number(&j->part[i]->reply, pool, ':', &v) != UM_OK) {
            return UM_ERR;
        }
        sum += v;
    }

    um_put_int(&text, sum);
    rc = text.failed ? UM_ERR
                     : um_chain_add(out, pool, text.data, text.len, true);
    um_sbuf_deinit(&text);
    return rc;
}

/* One number, or as many as WAITAOF has. */
static um_rc_t
join_min(um_join_t *j, um_chain_t *out, um_chunks_t *pool)
{
    um_sbuf_t text = { 0 };
    int64_t count = 1, least, v;
    char first = 0;
    um_rc_t rc = UM_OK;

    um_chain_peek(&j->part[0]->reply, &first, 1);
    for (uint32_t i = 0; i < j->parts && first == '*'; i++) {
        if (line_number(&j->part[i]->reply, pool, '*', &v) != UM_OK || v < 1
            || v > 16 || (i > 0 && v != count))
        {
            return UM_ERR;
        }
        count = v;
    }

    if (first == '*') {
        um_put_array(&text, (size_t) count);
    }
    for (int64_t k = 0; k < count && rc == UM_OK; k++) {
        least = INT64_MAX;
        for (uint32_t i = 0; i < j->parts && rc == UM_OK; i++) {
            rc = line_number(&j->part[i]->reply, pool, ':', &v);
            least = rc == UM_OK ? um_min(least, v) : least;
        }
        um_put_int(&text, least);
    }

    if (rc == UM_OK) {
        rc = text.failed ? UM_ERR
                         : um_chain_add(out, pool, text.data, text.len, true);
    }
    um_sbuf_deinit(&text);
    return rc;
}

static um_rc_t
join_build(um_join_t *j, um_chain_t *out, um_chunks_t *pool)
{
    um_req_t *bad = join_first_error(j);

    if (bad != NULL) {
        um_chain_move(out, &bad->reply);
        return out->len > 0 ? UM_OK : UM_ERR;
    }

    switch (j->how) {
    case UM_JOIN_ARRAY:
        return join_array(j, out, pool);
    case UM_JOIN_SUM:
        return join_sum(j, out, pool);
    case UM_JOIN_OK:
        return um_chain_add(out, pool, "+OK\r\n", 5, true);
    case UM_JOIN_MIN:
        return join_min(j, out, pool);
    case UM_JOIN_NONE:
        break;
    }

    return UM_ERR;
}

void
um_join_left(um_join_t *j)
{
    um_req_t *r = j->parent;
    um_client_t *c = r->client;
    um_chain_t out = { NULL, NULL, 0 };
    um_rc_t rc;

    if (--j->left > 0) {
        return;
    }

    for (uint32_t i = 0; i < j->parts; i++) {
        c->held -= j->part[i]->reply.len;
    }

    rc = r->hooks & UM_HOOK_MUTED ? UM_OK : join_build(j, &out, &r->w->chunks);
    if (um_unlikely(um_trace_takes_long(r)) && j->words > 0) {
        join_tell(j);
    }
    r->join = NULL;
    um_join_abandon(j);

    if (rc != UM_OK) {
        um_chain_free(&out, &r->w->chunks);
        um_req_fail(r, "ERR a backend answered a part of the command with "
                       "something unexpected");
        return;
    }

    c->held += out.len;
    um_chain_move(&r->reply, &out);
    um_req_reply(r, "", 0, true);
}

void
um_join_part(um_req_t *p, const char *data, size_t len, bool last)
{
    um_join_t *j = p->join;
    um_client_t *c = p->client;
    um_worker_t *w = p->w;

    if (j == NULL) {
        if (last) {
            um_req_release(p);
        }
        return;
    }

    if (um_chain_add(&p->reply, &w->chunks, data, len, !last) != UM_OK) {
        um_client_kill(c);
        return;
    }

    c->held += len;
    if (um_req_client_is_over(c)) {
        return;
    }

    if (last) {
        um_join_left(j);
    }
}
