/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_slot_keys.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_crc64.h"
#include "core/um_str.h"
#include "proxy/um_private.h"
#include "resp/um_put.h"

/* Keys looked at per SCAN: a fraction of a millisecond for the Redis. */
#define SCAN_COUNT "1000"

#define WALK_NS_MAX    5000000000ull
#define WALK_KEYS_MAX  (1u << 20)
#define WALK_BYTES_MAX (64u << 20)
#define WALK_ERROR     "ERR the node has too many keys to look for a slot's"

typedef struct {
    um_req_t *r;  /* the client's, held */
    uint64_t gen; /* of the topology that `node` belongs to */
    uint32_t node;
    uint16_t slot;
    bool wants_keys;
    uint64_t limit; /* this many keys are enough */
    uint64_t deadline_ns;
    char cursor[24]; /* NUL-terminated */

    /* Keys found, each once although SCAN may tell it again: their hashes,
     * open addressing, 0 is free. */
    uint64_t *seen;
    uint64_t seen_size;
    uint64_t found;
    um_sbuf_t keys; /* bulks; only if wanted */
} walk_t;

static void
walk_free(walk_t *k)
{
    free(k->seen);
    um_sbuf_deinit(&k->keys);
    free(k);
}

static void
walk_fail(walk_t *k, um_str_t error)
{
    um_req_error(k->r, "%.*s", um_str_fmt(error));
    walk_free(k);
}

static void
walk_finish(walk_t *k)
{
    um_sbuf_t *o = um_req_begin(k->r);

    if (k->wants_keys) {
        um_put_array(o, k->found);
        um_sbuf_add(o, k->keys.data, k->keys.len);
        o->failed |= k->keys.failed;
    } else {
        um_put_int(o, (int64_t) k->found);
    }

    um_req_end(k->r);
    walk_free(k);
}

/* The place of `hash`: it is there, or the place is free. */
static uint64_t *
seen_at(uint64_t *seen, uint64_t size, uint64_t hash)
{
    uint64_t i = hash & (size - 1);

    while (seen[i] != 0 && seen[i] != hash) {
        i = (i + 1) & (size - 1);
    }

    return &seen[i];
}

static um_rc_t
seen_grow(walk_t *k)
{
    uint64_t size = k->seen_size == 0 ? 1024 : k->seen_size * 2;
    uint64_t *more = calloc(size, sizeof(*more));

    if (more == NULL) {
        return UM_ERR;
    }

    for (uint64_t i = 0; i < k->seen_size; i++) {
        if (k->seen[i] != 0) {
            *seen_at(more, size, k->seen[i]) = k->seen[i];
        }
    }

    free(k->seen);
    k->seen = more;
    k->seen_size = size;
    return UM_OK;
}

/* UM_ERR: there is no room for so many. */
static um_rc_t
walk_key(walk_t *k, um_str_t key)
{
    uint64_t hash, *place;

    if (um_slot_of(key) != k->slot || k->found >= k->limit) {
        return UM_OK;
    }

    if (k->found * 2 >= k->seen_size
        && (k->found >= WALK_KEYS_MAX || seen_grow(k) != UM_OK))
    {
        return UM_ERR;
    }

    hash = um_crc64(key) | 1;
    place = seen_at(k->seen, k->seen_size, hash);
    if (*place != 0) {
        return UM_OK;
    }

    *place = hash;
    k->found++;
    if (k->wants_keys) {
        um_put_bulk(&k->keys, key);
    }

    return k->keys.failed || k->keys.len > WALK_BYTES_MAX ? UM_ERR : UM_OK;
}

/* "<type><n>\r\n" from the front of `s`.  False: it is something else. */
static bool
take_header(um_str_t *s, char type, uint64_t *n)
{
    const char *end = s->len > 0 ? memchr(s->data, '\r', s->len) : NULL;
    size_t len = end != NULL ? (size_t) (end - s->data) : 0;

    if (len < 2 || s->data[0] != type || len + 2 > s->len
        || um_str_to_u64((um_str_t){ s->data + 1, len - 1 }, n) != UM_OK)
    {
        return false;
    }

    s->data += len + 2;
    s->len -= len + 2;
    return true;
}

static bool
take_bulk(um_str_t *s, um_str_t *bulk)
{
    uint64_t n;

    if (!take_header(s, '$', &n) || s->len < 2 || n > s->len - 2) {
        return false;
    }

    *bulk = (um_str_t){ s->data, (size_t) n };
    s->data += n + 2;
    s->len -= (size_t) n + 2;
    return true;
}

/* [cursor, [key, ...]].  NULL, or what to answer. */
static const char *
walk_reply(walk_t *k, um_str_t reply)
{
    static const char strange[] = "ERR the node gave a strange reply to SCAN";
    um_str_t cursor, key;
    uint64_t n;

    if (!take_header(&reply, '*', &n) || n != 2 || !take_bulk(&reply, &cursor)
        || cursor.len >= sizeof(k->cursor) || !take_header(&reply, '*', &n))
    {
        return strange;
    }

    memcpy(k->cursor, cursor.data, cursor.len);
    k->cursor[cursor.len] = '\0';

    for (; n > 0; n--) {
        if (!take_bulk(&reply, &key)) {
            return strange;
        }

        if (walk_key(k, key) != UM_OK) {
            return WALK_ERROR;
        }
    }

    return NULL;
}

static void walk_on_reply(um_req_t *r, um_rc_t rc);

static void
walk_next(walk_t *k)
{
    um_worker_t *w = k->r->w;
    um_str_t argv[] = { um_lit("SCAN"), um_str_of(k->cursor), um_lit("COUNT"),
        um_lit(SCAN_COUNT) };

    if (k->r->client == NULL) {
        walk_finish(k); /* nobody is waiting any more */
    } else if (w->gen != k->gen) {
        walk_fail(
            k, um_lit("TRYAGAIN the slots were dealt out anew meanwhile"));
    } else if (um_worker_now(w) > k->deadline_ns) {
        walk_fail(k, um_lit(WALK_ERROR));
    } else if (um_private_call(
                   w, k->node, argv, um_countof(argv), walk_on_reply, k)
               != UM_OK)
    {
        walk_fail(k, um_lit("ERR no private connection to the slot's node"));
    }
}

static void
walk_on_reply(um_req_t *r, um_rc_t rc)
{
    walk_t *k = r->data;
    size_t len = r->reply.len;
    char *reply = malloc(len + 1);
    const char *error = "ERR out of memory";

    if (reply != NULL) {
        um_chain_peek(&r->reply, reply, len);

        if (rc != UM_OK) {
            error = "ERR the slot's node cannot be reached";
        } else if (len > 3 && reply[0] == '-') {
            reply[len - 2] = '\0';
            error = reply + 1;
        } else {
            error = walk_reply(k, (um_str_t){ reply, len });
        }
    }

    if (error != NULL) {
        walk_fail(k, um_str_of(error));
    } else if (strcmp(k->cursor, "0") == 0 || k->found >= k->limit) {
        walk_finish(k);
    } else {
        walk_next(k);
    }

    free(reply);
}

static void
walk_start(um_req_t *r, uint16_t slot, bool wants_keys, uint64_t limit)
{
    um_worker_t *w = r->w;
    uint32_t owner = w->topo->owner[slot];
    walk_t *k = calloc(1, sizeof(*k));

    if (k == NULL) {
        um_req_error(r, "ERR out of memory");
        return;
    }

    k->r = r;
    k->slot = slot;
    k->wants_keys = wants_keys;
    k->limit = limit;
    k->node = owner;
    k->gen = w->gen;
    k->deadline_ns = um_worker_now(w) + WALK_NS_MAX;
    k->cursor[0] = '0';

    if (owner >= w->topo->local_count || limit == 0) {
        walk_finish(k);
        return;
    }

    um_req_hold(r);
    walk_next(k);
}

void
um_slot_keys_count(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    int64_t slot;

    (void) argc;
    if (um_str_to_i64(argv[2], &slot) != UM_OK) {
        um_req_error(r, "ERR value is not an integer or out of range");
    } else if (slot < 0 || slot >= UM_SLOTS) {
        um_req_error(r, "ERR Invalid slot");
    } else {
        walk_start(r, (uint16_t) slot, false, UINT64_MAX);
    }
}

void
um_slot_keys_get(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    int64_t slot, count;

    (void) argc;
    if (um_str_to_i64(argv[2], &slot) != UM_OK
        || um_str_to_i64(argv[3], &count) != UM_OK)
    {
        um_req_error(r, "ERR value is not an integer or out of range");
    } else if (slot < 0 || slot >= UM_SLOTS || count < 0) {
        um_req_error(r, "ERR Invalid slot or number of keys");
    } else {
        walk_start(r, (uint16_t) slot, true, (uint64_t) count);
    }
}
