/*
 * um_umctl_repl.c -- UMCTL SETREPL, INFOREPL, HEALTH: what is wanted goes to
 * the noticeboard, and what the mover has found is told from there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_bus.h"
#include "proxy/um_gate.h"
#include "proxy/um_repl_text.h"
#include "proxy/um_umctl.h"
#include "resp/um_put.h"

static void
setrepl_tell_mover(um_worker_t *w)
{
    uint64_t one = 1;

    /* Only a full counter can refuse, and that wakes it as well; so does its
     * own tick a little later. */
    if (write(w->heritage->mover_fd, &one, sizeof(one)) != sizeof(one)) {
        um_log_info(errno, "the mover cannot be woken");
    }
}

static void
setrepl_publish(um_req_t *r, const um_repl_t *wanted, bool force)
{
    um_worker_t *w = r->w;

    switch (um_repl_publish(w->shm->repl, wanted, force)) {
    case UM_OK:
        um_log_notice(0, "replication: epoch %llu published: %u nodes",
            (unsigned long long) wanted->epoch, wanted->count);
        setrepl_tell_mover(w);
        um_gate_check(w);
        um_bus_wake_all(w->bus);
        um_req_ok(r);
        return;

    case UM_DECLINED:
        um_req_error(r, "OLD_EPOCH");
        return;

    default:
        um_req_error(r, "TRY_AGAIN");
        return;
    }
}

void
um_umctl_setrepl(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    const um_addr_t *announce = &r->w->conf->announce;
    um_str_t host = { announce->text, announce->host_len };
    um_repl_t *wanted = malloc(sizeof(*wanted));
    const char *error;
    bool force = false;

    if (wanted == NULL) {
        um_req_error(r, "TRY_AGAIN");
        return;
    }

    error = um_repl_decode(argv + 2, argc - 2, host, wanted, &force);
    if (error != NULL) {
        um_req_error(r, "%s", error);
    } else {
        setrepl_publish(r, wanted, force);
    }
    free(wanted);
}

void
um_umctl_inforepl(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_repl_text_wanted(um_gate_wanted(r->w->gate), o);
    um_req_end(r);
}

/* A coordinator vouches for us.  UM_DECLINED: what it says is no moment. */
static um_rc_t
beat_vouched(um_worker_t *w, um_str_t text)
{
    _Atomic uint64_t *vouched = &w->shm->repl->vouched_ns;
    uint64_t now = um_clock_boot_ns(), moment;
    bool was_out = um_lease_is_out(*vouched, w->conf->lease, now);

    if (um_lease_parse(text, now, &moment) != UM_OK) {
        return UM_DECLINED;
    }

    um_lease_vouch(vouched, moment);
    if (was_out && !um_lease_is_out(*vouched, w->conf->lease, now)) {
        um_gate_check(w);
        um_bus_wake_all(w->bus);
    }
    return UM_OK;
}

void
um_umctl_beat(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_worker_t *w = r->w;
    um_sbuf_t *o;

    if (argc > 2 && beat_vouched(w, argv[2]) != UM_OK) {
        um_req_error(r, "Invalid arguments");
        return;
    }

    o = um_req_begin(r);
    um_sbuf_addz(o, "+");
    um_repl_text_beat(w->topo, um_gate_wanted(w->gate), um_gate_current(w),
        w->conf->node_timeout, um_clock_wall_us(), o);
    if (w->conf->lease != 0) { /* by this clock it is to vouch for us */
        um_sbuf_addz(o, " ");
        um_sbuf_add_u64(o, um_clock_boot_ns() / 1000000);
    }
    um_sbuf_addz(o, "\r\n");
    um_req_end(r);
}

void
um_umctl_health(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_worker_t *w = r->w;
    const um_lease_told_t lease = um_gate_lease(w);
    um_sbuf_t text = { 0 };
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_repl_text_health(w->topo, um_gate_wanted(w->gate), um_gate_current(w),
        &lease, w->conf->node_timeout, um_clock_wall_us(), &text);
    if (text.failed) {
        o->failed = true;
    } else {
        um_put_bulk(o, (um_str_t){ text.data, text.len });
    }
    um_sbuf_deinit(&text);
    um_req_end(r);
}
