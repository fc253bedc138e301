/* SPDX-License-Identifier: Apache-2.0 */

#include "status_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"

#define load(p) atomic_load_explicit((p), memory_order_relaxed)

um_rc_t
status_view_init(status_view_t *v)
{
    size_t rows = v->shm.workers->rows;

    v->numbers = calloc(rows + 1, sizeof(*v->numbers));
    if (v->numbers == NULL) {
        um_log_error(ENOMEM, "status");
        return UM_ERR;
    }

    return UM_OK;
}

void
status_view_deinit(status_view_t *v)
{
    free(v->numbers);
    v->numbers = NULL;
}

static void
numbers_copy(status_numbers_t *n, const um_row_sh_t *row, status_numbers_t *sum)
{
    um_row_state_t state = (um_row_state_t) load(&row->state);
    bool alive = state == UM_ROW_RUNNING || state == UM_ROW_DRAINING;

    for (int id = 0; id < UM_STAT_MAX; id++) {
        n->counter[id] = load(&row->counter[id]);
        sum->counter[id] += n->counter[id];
    }

    for (int id = 0; id < UM_GAUGE_MAX; id++) {
        n->gauge[id] = alive ? load(&row->gauge[id]) : 0;
        sum->gauge[id] += n->gauge[id];
    }
}

void
status_view_copy(status_view_t *v)
{
    const um_workers_sh_t *ws = v->shm.workers;
    status_numbers_t *sum = &v->numbers[ws->rows];

    memset(sum, 0, sizeof(*sum));
    for (uint32_t i = 0; i < ws->rows; i++) {
        numbers_copy(&v->numbers[i], &ws->row[i], sum);
    }
}

um_rc_t
status_row(const status_view_t *v, uint32_t i, status_row_t *row)
{
    const um_row_sh_t *sh = &v->shm.workers->row[i];
    uint64_t turn = load(&sh->turn_ns);

    *row = (status_row_t){
        .number = i,
        .state = (um_row_state_t) load(&sh->state),
        .pid = load(&sh->pid),
        .incarnation = load(&sh->incarnation),
        .started_ns = load(&sh->started_ns),
        .turn_age_ns = v->now_ns > turn ? v->now_ns - turn : 0,
        .turn_max_ns = load(&sh->turn_max_ns),
        .gen_seen = load(&sh->gen_seen),
        .clients = load(&sh->clients),
        .blocked = load(&sh->blocked),
        .memory = load(&sh->memory),
        .numbers = &v->numbers[i],
    };

    row->alive = row->state == UM_ROW_RUNNING || row->state == UM_ROW_DRAINING;
    row->turns = row->alive && row->turn_age_ns < v->turn_limit_ns;
    return row->incarnation == 0 ? UM_DECLINED : UM_OK;
}

const char *
status_row_state(um_row_state_t state)
{
    static const char *const names[] = {
        [UM_ROW_FREE] = "free",
        [UM_ROW_STARTING] = "starting",
        [UM_ROW_RUNNING] = "running",
        [UM_ROW_DRAINING] = "draining",
        [UM_ROW_DEAD] = "dead",
    };

    return (size_t) state < um_countof(names) ? names[state] : "unknown";
}

void
status_sum(const status_view_t *v, status_sum_t *sum)
{
    memset(sum, 0, sizeof(*sum));

    for (uint32_t i = 0; i < v->shm.workers->rows; i++) {
        status_row_t row;

        if (status_row(v, i, &row) != UM_OK) {
            continue;
        }

        sum->count[um_min(row.state, UM_ROW_DEAD)]++;
        if (row.alive) {
            sum->turning += row.turns && row.state == UM_ROW_RUNNING;
            sum->clients += row.clients;
            sum->blocked += row.blocked;
            sum->memory += row.memory;
            sum->turn_max_ns = um_max(sum->turn_max_ns, row.turn_max_ns);
        }
    }
}

void
status_slots(const um_topo_t *t, status_slots_t *slots)
{
    memset(slots, 0, sizeof(*slots));

    for (size_t i = 0; i < UM_SLOTS; i++) {
        slots->assigned += t->owner[i] != UM_TOPO_NO_OWNER;
        slots->local += t->owner[i] < t->local_count;
    }
}

void
status_slots_by_addr(const um_topo_t *t, uint32_t count[UM_TOPO_ADDRS])
{
    memset(count, 0, UM_TOPO_ADDRS * sizeof(count[0]));

    for (size_t i = 0; i < UM_SLOTS; i++) {
        if (t->owner[i] < UM_TOPO_ADDRS) {
            count[t->owner[i]]++;
        }
    }
}

void
status_judge(const status_view_t *v, status_verdict_t *out)
{
    uint64_t awake = load(&v->shm.settings->master_ns);
    uint32_t wanted = load(&v->shm.settings->workers);
    const char **unhealthy = out->unhealthy;
    const char **unready = out->unready;
    status_sum_t sum;

    memset(out, 0, sizeof(*out));
    status_sum(v, &sum);

    if (v->now_ns > awake && v->now_ns - awake > v->turn_limit_ns) {
        *unhealthy++ = "the master hangs";
    }
    if (v->proxy && sum.turning == 0) {
        *unhealthy++ = "no worker serves";
    }

    memcpy(out->unready, out->unhealthy, sizeof(out->unready));
    unready += unhealthy - out->unhealthy;

    if (v->proxy && sum.turning > 0 && sum.turning < wanted) {
        *unready++ = "not all workers serve";
    }
    if (v->proxy && (v->topo->epoch == 0 || !um_topo_has_cluster(v->topo))) {
        *unready++ = "no metadata: UMCTL SETCLUSTER has not come yet";
    }
}
