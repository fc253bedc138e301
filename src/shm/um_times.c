/*
 * um_times.c -- see um_times.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "shm/um_times.h"

#include <string.h>

#define OTHER "other"

/* What a node's place is; only its worker looks. */
enum { NODE_FREE, NODE_IDLE, NODE_HELD };

/* A place being renamed is renamed in no time: its writer may be dead, too. */
#define NODE_TRIES 4

static inline uint64_t
get64(const _Atomic uint64_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static inline void
set64(_Atomic uint64_t *p, uint64_t v)
{
    atomic_store_explicit(p, v, memory_order_relaxed);
}

static inline uint32_t
get32(const _Atomic uint32_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static inline void
set32(_Atomic uint32_t *p, uint32_t v)
{
    atomic_store_explicit(p, v, memory_order_relaxed);
}

size_t
um_times_size(uint32_t rows)
{
    return sizeof(um_times_sh_t)
           + ((size_t) rows + 1) * sizeof(um_times_row_sh_t);
}

/* The memory is fresh and zero; pages nobody needs are never touched. */
void
um_times_init(um_times_sh_t *sh, uint32_t rows)
{
    sh->layout = UM_TIMES_LAYOUT;
    sh->size = (uint32_t) sizeof(um_times_row_sh_t);
    sh->rows = rows;
    sh->commands = 0;
}

static void
name_copy(char *out, size_t size, um_str_t name)
{
    size_t n = um_min(name.len, size - 1);

    memcpy(out, name.data, n);
    out[n] = '\0';
}

void
um_times_name(
    um_times_sh_t *sh, uint32_t i, const char *name, um_times_kind_t kind)
{
    um_assert(i < UM_TIMES_COMMANDS);
    name_copy(sh->command[i], UM_TIMES_COMMAND_NAME, um_str_of(name));
    sh->kind[i] = (uint8_t) kind;
    sh->commands = um_max(sh->commands, i + 1);
}

/* ---- commands --------------------------------------------------------- */

static void
call_add(um_times_call_t *sum, const um_times_call_sh_t *call)
{
    sum->calls += get64(&call->calls);
    sum->usec += get64(&call->usec);
    sum->failed += get64(&call->failed);
    sum->rejected += get64(&call->rejected);
}

static uint64_t
less(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

um_times_call_t
um_times_call(const um_times_sh_t *sh, uint32_t i, um_times_since_t since)
{
    um_times_call_t sum = { 0 }, was = { 0 };

    for (uint32_t k = 0; k < sh->rows; k++) {
        call_add(&sum, &sh->row[k].call[i]);
    }

    if (since == UM_TIMES_RECENT) {
        call_add(&was, &sh->row[sh->rows].call[i]);
        sum.calls = less(sum.calls, was.calls);
        sum.usec = less(sum.usec, was.usec);
        sum.failed = less(sum.failed, was.failed);
        sum.rejected = less(sum.rejected, was.rejected);
    }

    return sum;
}

void
um_times_hist(
    const um_times_sh_t *sh, uint32_t i, um_times_since_t since, um_hist_t *out)
{
    memset(out, 0, sizeof(*out));

    for (uint32_t k = 0; k < sh->rows; k++) {
        if (get64(&sh->row[k].call[i].calls) > 0) {
            um_hist_sum(out, &sh->row[k].hist[i]);
        }
    }

    if (since == UM_TIMES_RECENT && get64(&sh->row[sh->rows].call[i].calls) > 0)
    {
        um_hist_less(out, &sh->row[sh->rows].hist[i]);
    }
}

/* ---- errors ----------------------------------------------------------- */

/* `out` has `count` of them; the one called `name`, a new one when there is
 * room, else the last. */
static um_times_error_t *
errors_find(
    um_times_error_t *out, uint32_t *count, uint32_t max, const char *name)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(out[i].name, name) == 0) {
            return &out[i];
        }
    }

    if (*count == max) {
        return &out[max - 1];
    }

    out[*count].count = 0;
    name_copy(out[*count].name, UM_TIMES_ERROR_NAME,
        um_str_of(*count + 1 < max ? name : OTHER));
    return &out[(*count)++];
}

uint32_t
um_times_errors(const um_times_sh_t *sh, um_times_since_t since,
    um_times_error_t *out, uint32_t max)
{
    uint32_t rows = sh->rows + (since == UM_TIMES_RECENT);
    uint32_t count = 0;

    for (uint32_t k = 0; k < rows && max > 0; k++) {
        for (uint32_t i = 0; i <= UM_TIMES_ERRORS; i++) {
            const um_times_error_sh_t *e = &sh->row[k].error[i];
            uint64_t n = atomic_load_explicit(&e->count, memory_order_acquire);
            um_times_error_t *sum;

            if (n == 0) {
                continue;
            }

            sum = errors_find(out, &count, max, e->name);
            sum->count = k < sh->rows ? sum->count + n : less(sum->count, n);
        }
    }

    return count;
}

void
um_times_add_error(um_times_row_sh_t *row, um_str_t word)
{
    um_times_error_sh_t *e = row->error;
    uint32_t i;

    word.len = um_min(word.len, (size_t) UM_TIMES_ERROR_NAME - 1);

    for (i = 0; i < UM_TIMES_ERRORS && get64(&e[i].count) > 0; i++) {
        if (um_str_eq(um_str_of(e[i].name), word)) {
            break;
        }
    }

    if (get64(&e[i].count) == 0) {
        name_copy(e[i].name, UM_TIMES_ERROR_NAME,
            i < UM_TIMES_ERRORS ? word : um_lit(OTHER));
    }

    atomic_store_explicit(
        &e[i].count, get64(&e[i].count) + 1, memory_order_release);
}

/* ---- nodes ------------------------------------------------------------ */

/* A name that stands still.  UM_DECLINED: there is none. */
static um_rc_t
node_name(const um_times_node_sh_t *node, char *out)
{
    for (int i = 0; i < NODE_TRIES; i++) {
        uint32_t seq = atomic_load_explicit(&node->seq, memory_order_acquire);

        if (get32(&node->used) == NODE_FREE) {
            return UM_DECLINED;
        }

        memcpy(out, node->name, UM_TIMES_NODE_NAME);
        atomic_thread_fence(memory_order_acquire);
        if ((seq & 1) == 0 && get32(&node->seq) == seq) {
            out[UM_TIMES_NODE_NAME - 1] = '\0';
            return UM_OK;
        }
    }

    return UM_DECLINED;
}

static void
node_rename(um_times_node_sh_t *node, const char *name)
{
    uint32_t seq = get32(&node->seq) & ~1u;

    set32(&node->seq, seq + 1);
    atomic_thread_fence(memory_order_release);
    name_copy(node->name, UM_TIMES_NODE_NAME, um_str_of(name));
    atomic_store_explicit(&node->seq, seq + 2, memory_order_release);
}

static um_times_node_t *
nodes_find(
    um_times_node_t *out, uint32_t *count, uint32_t max, const char *name)
{
    um_times_node_t *n;

    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(out[i].name, name) == 0) {
            return &out[i];
        }
    }

    if (*count == max) {
        return &out[max - 1];
    }

    n = &out[*count];
    memset(n, 0, sizeof(*n));
    name_copy(n->name, UM_TIMES_NODE_NAME,
        um_str_of(*count + 1 < max ? name : OTHER));
    (*count)++;
    return n;
}

uint32_t
um_times_nodes(const um_times_sh_t *sh, um_times_node_t *out, uint32_t max)
{
    char name[UM_TIMES_NODE_NAME];
    uint32_t count = 0;

    for (uint32_t k = 0; k < sh->rows && max > 0; k++) {
        for (uint32_t i = 0; i <= UM_TIMES_NODES; i++) {
            const um_times_node_sh_t *node = &sh->row[k].node[i];
            um_times_node_t *sum;

            if (node_name(node, name) != UM_OK) {
                continue;
            }

            sum = nodes_find(out, &count, max, name);
            sum->usec += get64(&node->usec);
            um_hist_sum(&sum->hist, &node->hist);
        }
    }

    return count;
}

static um_times_node_sh_t *
node_other(um_times_row_sh_t *row)
{
    um_times_node_sh_t *other = &row->node[UM_TIMES_NODES];

    if (get32(&other->used) == NODE_FREE) {
        node_rename(other, OTHER);
        set32(&other->used, NODE_HELD);
    }

    return other;
}

/* What it counted is the others' from now on. */
static void
node_empty(um_times_row_sh_t *row, um_times_node_sh_t *node)
{
    um_times_node_sh_t *other = node_other(row);

    um_hist_count(&other->usec, get64(&node->usec));
    set64(&node->usec, 0);
    for (uint32_t i = 0; i < UM_HIST_BUCKETS; i++) {
        um_hist_count(&other->hist.bucket[i], get64(&node->hist.bucket[i]));
        set64(&node->hist.bucket[i], 0);
    }
}

um_times_node_sh_t *
um_times_node_enter(um_times_row_sh_t *row, const char *name)
{
    um_times_node_sh_t *place = NULL;

    for (uint32_t i = 0; i < UM_TIMES_NODES; i++) {
        um_times_node_sh_t *node = &row->node[i];
        uint32_t used = get32(&node->used);

        if (used != NODE_FREE
            && strncmp(node->name, name, UM_TIMES_NODE_NAME - 1) == 0) {
            set32(&node->used, NODE_HELD);
            return node;
        }
        if (used == NODE_FREE || (used == NODE_IDLE && place == NULL)) {
            place = node;
        }
        if (used == NODE_FREE) {
            break;
        }
    }

    if (place == NULL) {
        return node_other(row);
    }

    if (get32(&place->used) == NODE_IDLE) {
        node_empty(row, place);
    }
    node_rename(place, name);
    set32(&place->used, NODE_HELD);
    return place;
}

void
um_times_node_leave(um_times_row_sh_t *row, um_times_node_sh_t *node)
{
    if (node != &row->node[UM_TIMES_NODES]) {
        set32(&node->used, NODE_IDLE);
    }
}

void
um_times_row_begin(um_times_row_sh_t *row)
{
    for (uint32_t i = 0; i < UM_TIMES_NODES; i++) {
        if (get32(&row->node[i].used) == NODE_HELD) {
            set32(&row->node[i].used, NODE_IDLE);
        }
    }
}

/* ---- CONFIG RESETSTAT ------------------------------------------------- */

static void
forget_command(um_times_sh_t *sh, uint32_t i)
{
    um_times_row_sh_t *was = &sh->row[sh->rows];
    um_times_call_t sum = um_times_call(sh, i, UM_TIMES_EVER);
    um_hist_t hist;

    set64(&was->call[i].failed, sum.failed);
    set64(&was->call[i].rejected, sum.rejected);
    if (sum.calls == 0) {
        return;
    }

    um_times_hist(sh, i, UM_TIMES_EVER, &hist);
    for (uint32_t k = 0; k < UM_HIST_BUCKETS; k++) {
        set64(&was->hist[i].bucket[k], hist.bucket[k]);
    }
    set64(&was->call[i].usec, sum.usec);
    set64(&was->call[i].calls, sum.calls);
}

void
um_times_forget(um_times_sh_t *sh)
{
    um_times_row_sh_t *was = &sh->row[sh->rows];
    um_times_error_t errors[UM_TIMES_ERRORS + 1];
    uint32_t count =
        um_times_errors(sh, UM_TIMES_EVER, errors, um_countof(errors));

    for (uint32_t i = 0; i < sh->commands; i++) {
        forget_command(sh, i);
    }

    /* Every name that is in there is in all later sums as well. */
    for (uint32_t i = 0; i < count; i++) {
        set64(&was->error[i].count, 0);
        name_copy(
            was->error[i].name, UM_TIMES_ERROR_NAME, um_str_of(errors[i].name));
        atomic_store_explicit(
            &was->error[i].count, errors[i].count, memory_order_release);
    }
}
