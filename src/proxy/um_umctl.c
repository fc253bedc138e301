/*
 * um_umctl.c -- UMCTL: which sub command is answered by whom, in the words of
 * the reference (dataplane.md 2.2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_umctl.h"

#include <string.h>

#include "core/um_str.h"
#include "proxy/um_future.h"
#include "proxy/um_gate.h"
#include "proxy/um_repl_text.h"
#include "proxy/um_self.h"
#include "proxy/um_umctl_text.h"
#include "resp/um_put.h"

static void
umctl_listcluster(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_put_array(o, 1);
    um_put_bulkz(o, r->w->topo->cluster);
    um_req_end(r);
}

static void
umctl_getepoch(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    uint64_t epoch =
        atomic_load_explicit(&r->w->shm->topo->epoch, memory_order_acquire);
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_sbuf_addf(o, ":%llu\r\n", (unsigned long long) epoch);
    um_req_end(r);
}

static void
umctl_ready(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_put_int(o, um_repl_is_all_replicas(um_gate_wanted(r->w->gate))
                      || um_umctl_ready(r->w->topo));
    um_req_end(r);
}

static void
umctl_info(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    const um_lease_told_t lease = um_gate_lease(r->w);
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_umctl_info(r->w->topo, um_gate_wanted(r->w->gate), um_gate_current(r->w),
        &lease, o);
    um_req_end(r);
}

/* INFOMGR: no migration has been finished. */
static void
umctl_nothing(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_put_array(o, 0);
    um_req_end(r);
}

static void
umctl_stats(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t *o = um_req_begin(r);

    (void) argv;
    (void) argc;
    um_umctl_stats(r->w->shm->workers, o);
    um_req_end(r);
}

static void
umctl_shutdown(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    (void) argv;
    (void) argc;
    um_umctl_shutdown(r);
}

static void
umctl_no_migration(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    (void) argc;
    um_req_error(r, "ERR UMCTL %.*s: slot migration is not supported yet",
        um_str_fmt(argv[1]));
}

static const struct {
    const char *name;
    um_self_pt run;
} subs[] = {
    { "SETCLUSTER", um_umctl_setcluster },
    { "GETEPOCH", umctl_getepoch },
    { "LISTCLUSTER", umctl_listcluster },
    { "READY", umctl_ready },
    { "INFO", umctl_info },
    { "INFOMGR", umctl_nothing },
    { "INFOREPL", um_umctl_inforepl },
    { "STATS", umctl_stats },
    { "SHUTDOWN", umctl_shutdown },
    { "SETREPL", um_umctl_setrepl },
    { "BEAT", um_umctl_beat },
    { "HEALTH", um_umctl_health },
    { "PRECHECK", umctl_no_migration },
    { "PRESWITCH", umctl_no_migration },
    { "FINALSWITCH", umctl_no_migration },
    { "SLOWLOG", um_umctl_slowlog },
    { "DEBUG", um_umctl_debug },
};

void
um_self_umctl(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    if (argc < 2) {
        um_req_error(r, "Missing sub command");
        return;
    }

    for (size_t i = 0; i < um_countof(subs); i++) {
        if (um_str_ieq(argv[1], um_str_of(subs[i].name))) {
            subs[i].run(r, argv, argc);
            return;
        }
    }

    um_req_error(r, "Invalid sub command");
}
