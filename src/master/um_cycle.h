/*
 * um_cycle.h -- one life of the configuration, from one reload to the next.
 *
 *   build    everything that can fail, beside the cycle that serves
 *   commit   cannot fail: from here on the new one counts
 *   abandon  the other end of build: the old one never noticed
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CYCLE_H
#define UM_CYCLE_H

#include "conf/um_conf.h"
#include "conf/um_module.h"
#include "master/um_listener.h"
#include "master/um_main_conf.h"
#include "master/um_redis_conf.h"
#include "os/um_user.h"
#include "shm/um_heritage.h"

/*
 * The data plane as main() gives it to the master, which must not know it.
 * All members are there.
 */
typedef struct {
    const char *block; /* "proxy": workers run where it is configured */

    int (*run)(const um_heritage_t *h); /* life of a worker, its exit code */

    /* Life of the mover, likewise.  `bus_out` are the workers' inboxes. */
    int (*run_mover)(int channel, um_shm_t *shm, int wake_fd,
        const int *bus_out, const void *conf);

    /* The i-th address it listens on; NULL: no more. */
    const um_addr_t *(*listen)(const void *conf, uint32_t i, bool *control);

    /* Entries that the slow log could ever have. */
    uint32_t (*slow_places)(const void *conf);

    /* What the noticeboard tells besides, once and before the first fork. */
    void (*furnish)(um_shm_t *shm);

    /* Let the noticeboard's settings follow the configuration. */
    void (*publish)(const void *conf, um_settings_sh_t *settings);

    /* How many descriptors a worker could need; `rows` of the noticeboard. */
    uint64_t (*descriptors)(const void *conf, uint32_t rows);

    /* Will `limit` of them do?  Warns of less; UM_ERR: logged, it must not
     * start. */
    um_rc_t (*check_descriptors)(
        const void *conf, uint32_t rows, uint64_t limit);

    /* What redis-servers next to it should ask for; NULL: nothing. */
    const char *(*redis_password)(const void *conf);
} um_worker_def_t;

struct um_cycle_s {
    uint64_t number; /* 1 at start, +1 with every reload */
    um_conf_t *conf;
    um_conf_t *first; /* of cycle 1, for what counts only at start */
    const um_main_conf_t *main;
    const um_redis_conf_t *redis; /* NULL: no such block */
    const void *proxy;            /* NULL: no such block */
    const um_worker_def_t *def;
    um_user_t user;
    uint32_t workers; /* 0 without a proxy */
    um_listener_t *listener;
    uint32_t listener_count;
    uint64_t patient_ns; /* until when it waits for an address; 0: not */
    const um_shm_t *shm; /* set by the master once there is one */
};

/*
 * Build, first half: read and check the configuration, as -t does.  NULL:
 * logged.  The options and what they name are lent until um_cycle_free().
 */
UM_MUSTCHECK um_cycle_t *um_cycle_load(
    const um_conf_options_t *o, const um_worker_def_t *def);

/*
 * Build, second half: open what it needs, inheriting from `old` (NULL: the
 * first cycle, which has no limit), for at most `room` workers.  UM_ERR:
 * logged; `cy` is freed and `old` as it was.
 */
UM_MUSTCHECK um_rc_t um_cycle_open(
    um_cycle_t *cy, const um_cycle_t *old, uint32_t room);

/* `cy` takes over the sockets of `old` (may be NULL) and closes those that
 * nobody wants any more; `old` is freed, cycle 1's configuration is kept. */
void um_cycle_commit(um_cycle_t *cy, um_cycle_t *old);

/* Accept nobody any more: close the listening sockets. */
void um_cycle_stop_listening(um_cycle_t *cy);

/* In a child that does not serve: let go of them. */
void um_cycle_close_sockets(const um_cycle_t *cy);

/* Free it; its listening sockets must have been closed, or taken over. */
void um_cycle_free(um_cycle_t *cy);

#endif /* UM_CYCLE_H */
