/*
 * Splitting.  Joining is um_join.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_fanout.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/um_backend.h"
#include "proxy/um_client.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_gens.h"
#include "proxy/um_join.h"
#include "proxy/um_node.h"
#include "proxy/um_zip.h"
#include "resp/um_put.h"

/* A place is a slot, or a node behind the slots. */
#define PLACES (UM_SLOTS + UM_TOPO_ADDRS)

/* Which part of the present command goes to a place.  An entry counts only
 * with the stamp of the present command, so nothing needs to be cleared. */
static struct {
    uint32_t stamp;
    uint32_t part;
} place_part[PLACES];
static uint32_t place_stamp;

typedef struct {
    um_verdict_t verdict;
    uint16_t slot;  /* of its first key */
    uint32_t first; /* its keys are a chain through next_key[] */
    uint32_t last;
    uint32_t count;
} part_plan_t;

typedef struct {
    part_plan_t *part;
    uint32_t *next_key;
    uint32_t parts;
    um_verdict_t refused; /* go is LOCAL: nothing is refused */
    uint16_t refused_slot;
} plan_t;

/* The reference splits MGET, MSET, DEL and EXISTS; UNLINK and TOUCH it sends
 * whole to where the first key is. */
static bool
peer_splits(const um_cmd_t *cmd)
{
    return strcmp(cmd->name, "unlink") != 0 && strcmp(cmd->name, "touch") != 0;
}

static uint32_t
place_of(um_req_t *r, um_verdict_t v, uint16_t slot)
{
    um_worker_t *w = r->w;
    um_node_t *n;

    if (v.go == UM_GO_PEER) {
        return peer_splits(r->cmd) ? (uint32_t) UM_SLOTS + v.addr : slot;
    }

    n = um_nodes_at(w, v.addr);
    return n == NULL || n->is_cluster || n->version == 0
               ? slot
               : (uint32_t) UM_SLOTS + v.addr;
}

static void
plan_key(plan_t *p, um_join_t *j, uint32_t i, uint32_t place, um_verdict_t v,
    uint16_t slot)
{
    part_plan_t *part;

    p->next_key[i] = UINT32_MAX;

    if (place_part[place].stamp == place_stamp) {
        part = &p->part[place_part[place].part];
        p->next_key[part->last] = i;
    } else {
        place_part[place].stamp = place_stamp;
        place_part[place].part = p->parts;
        part = &p->part[p->parts++];
        *part = (part_plan_t){ .verdict = v, .slot = slot, .first = i };
    }

    part->last = i;
    part->count++;
    j->key_part[i] = (uint32_t) (part - p->part);
}

/* Route all keys, and put those together that go to the same place. */
static void
plan_make(plan_t *p, um_join_t *j, um_req_t *r, const um_str_t *argv,
    const um_keys_t *keys)
{
    um_worker_t *w = r->w;

    if (++place_stamp == 0) {
        memset(place_part, 0, sizeof(place_part));
        place_stamp = 1;
    }

    p->parts = 0;
    p->refused.go = UM_GO_LOCAL;

    for (uint32_t i = 0; i < keys->count; i++) {
        uint16_t slot = um_slot_of(argv[keys->key[i].pos]);
        um_verdict_t v = um_dispatch_route(w, slot, r->hops);

        if (v.go != UM_GO_LOCAL && v.go != UM_GO_PEER) {
            p->refused = v;
            p->refused_slot = slot;
            return;
        }

        plan_key(p, j, i, place_of(r, v, slot), v, slot);
    }
}

/* The words of one part: the command's name and its keys, each with what
 * follows it up to the next key of the command (MSET's values). */
static uint32_t
part_words(um_sbuf_t *out, const plan_t *p, const part_plan_t *part,
    const um_str_t *argv, const um_keys_t *keys, uint32_t per_key)
{
    um_sbuf_clear(out);
    um_put_bulk(out, argv[0]);

    for (uint32_t i = part->first; i != UINT32_MAX; i = p->next_key[i]) {
        for (uint32_t k = 0; k < per_key; k++) {
            um_put_bulk(out, argv[keys->key[i].pos + k]);
        }
    }

    return 1 + part->count * per_key;
}

/* One part's request, held by the join.  NULL: out of memory. */
static um_req_t *
part_new(um_req_t *r, um_join_t *j, uint32_t i, const part_plan_t *plan)
{
    um_req_t *part = um_req_new(r->w, UM_REQ_PART);

    if (part == NULL) {
        return NULL;
    }

    part->join = j;
    part->part = i;
    part->async = true;
    part->client = r->client;
    part->cmd = r->cmd;
    part->slot = plan->slot;
    part->hooks = r->hooks & UM_HOOK_MUTED;
    part->hops = r->hops;
    part->plain = r->plain;
    part->gen_slot = um_gens_in(r->w->gens);
    part->counted = true;
    j->part[i] = part;
    return part;
}

/* The values of a part are to be packed, or unpacked, on the way.  UM_DECLINED:
 * it is for the caller to send. */
static um_rc_t
part_zip(um_req_t *part, const plan_t *p, const part_plan_t *plan,
    const um_str_t *argv, const um_keys_t *keys, um_zip_rule_t rule)
{
    uint32_t per_key = rule.step == 0 ? 1 : rule.step, argc = 1;
    um_str_t *words = NULL;
    um_rc_t rc;

    if (rule.first != 0) {
        words = malloc((1 + (size_t) plan->count * per_key) * sizeof(*words));
        if (words == NULL) {
            um_req_fail(part, "ERR out of memory");
            return UM_OK;
        }

        words[0] = argv[0];
        for (uint32_t i = plan->first; i != UINT32_MAX; i = p->next_key[i]) {
            for (uint32_t k = 0; k < per_key; k++) {
                words[argc++] = argv[keys->key[i].pos + k];
            }
        }
    }

    rc = um_zip_send(part, plan->verdict, words, argc, rule);
    free(words);
    return rc;
}

/* Parts cannot wait each for its own connection: the client does, after them,
 * for the first that is congested. */
static void
fanout_hold_back(um_client_t *c, const um_join_t *j)
{
    for (uint32_t i = 0; i < j->parts && c->waiting_for == NULL; i++) {
        um_backend_t *b = j->part[i]->backend;

        if (b != NULL && um_backend_is_congested(b)) {
            um_client_wait_for(c, b);
        }
    }
}

static void
fanout_send(um_req_t *r, um_join_t *j, const plan_t *p, const um_str_t *argv,
    uint32_t argc, const um_keys_t *keys)
{
    um_worker_t *w = r->w;
    um_client_t *c = r->client;
    um_sbuf_t words = { 0 };
    uint32_t per_key = j->how == UM_JOIN_OK ? 2 : 1;
    um_zip_rule_t zip = um_zip_rule_now(w, r->cmd, argv, per_key + 1);
    bool zips = zip.first != 0 || zip.unpack;

    r->join = j;
    j->parts = j->left = p->parts;
    um_join_say(j, argv, argc);

    for (uint32_t i = 0; i < p->parts; i++) {
        if (part_new(r, j, i, &p->part[i]) == NULL) {
            r->join = NULL;
            j->parts = i; /* the others have not been made */
            um_join_abandon(j);
            um_req_error(r, "ERR out of memory");
            return;
        }
        j->part[i]->data = (void *) (uintptr_t) p->part[i].count;
    }

    /* While parts are being sent some may be answered already (refused): the
     * join must not end under us. */
    j->left++;
    for (uint32_t i = 0; i < p->parts; i++) {
        uint32_t count;

        if (um_unlikely(zips) && p->part[i].verdict.go == UM_GO_LOCAL
            && part_zip(j->part[i], p, &p->part[i], argv, keys, zip) == UM_OK)
        {
            if (c->dead) {
                um_sbuf_deinit(&words);
                return;
            }
            continue;
        }

        count = part_words(&words, p, &p->part[i], argv, keys, per_key);
        if (words.failed) {
            um_req_fail(j->part[i], "ERR out of memory");
            um_sbuf_deinit(&words);
        } else {
            um_dispatch_send(j->part[i], p->part[i].verdict,
                (um_str_t){ words.data, words.len }, count);
        }

        if (c->dead) {
            um_sbuf_deinit(&words); /* and all that was its is gone */
            return;
        }
    }
    um_sbuf_deinit(&words);

    um_stat_add(w->row, UM_STAT_COMMANDS_SPLIT, 1);
    fanout_hold_back(c, j);
    um_join_left(j);
}

void
um_fanout_start(
    um_req_t *r, const um_str_t *argv, uint32_t argc, const um_keys_t *keys)
{
    um_join_t *j = um_join_new(r, (um_join_how_t) r->cmd->join, keys->count);
    plan_t p;

    /* MSET a: half a pair.  Redis says so too, before anything is written. */
    if (r->cmd->join == UM_JOIN_OK && argc % 2 == 0) {
        free(j);
        um_req_error(
            r, "ERR wrong number of arguments for '%s' command", r->cmd->name);
        return;
    }

    p.part = malloc(keys->count * (sizeof(*p.part) + sizeof(*p.next_key)));
    if (j == NULL || p.part == NULL) {
        free(j);
        free(p.part);
        um_req_error(r, "ERR out of memory");
        return;
    }

    p.next_key = (uint32_t *) (void *) (p.part + keys->count);
    plan_make(&p, j, r, argv, keys);

    if (p.refused.go != UM_GO_LOCAL) {
        free(j);
        um_dispatch_refuse(r, p.refused, p.refused_slot);
    } else {
        fanout_send(r, j, &p, argv, argc, keys);
    }

    free(p.part);
}
