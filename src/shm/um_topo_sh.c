/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_topo_sh.h"

#include <errno.h>

#include "core/um_log.h"

/* A publication takes longer than a copy: a second overtaking is no chance. */
#define TOPO_SH_TRIES 3

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
/* gcc says that TSan cannot see fences; t/tsan.supp names the copy. */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

um_rc_t
um_topo_sh_init(um_topo_sh_t *sh)
{
    pthread_mutexattr_t attr;
    um_rc_t rc = UM_ERR;
    int err;

    atomic_init(&sh->gen, 0);
    atomic_init(&sh->epoch, 0);
    um_topo_clear(&sh->half[0]);
    um_topo_clear(&sh->half[1]);

    err = pthread_mutexattr_init(&attr);
    if (err != 0) {
        um_log_error(err, "topology zone: no mutex attributes");
        return UM_ERR;
    }

    err = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (err == 0) {
        err = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }

    if (err == 0) {
        err = pthread_mutex_init(&sh->writer, &attr);
    }

    if (err == 0) {
        sh->layout = UM_TOPO_LAYOUT;
        sh->size = sizeof(*sh);
        rc = UM_OK;
    } else {
        um_log_error(err, "topology zone: no robust shared mutex");
    }

    (void) pthread_mutexattr_destroy(&attr);
    return rc;
}

/*
 * Take the writer's lock, also from a writer that died holding it: only the
 * spare half can be dirty then, rule (4), and the copy of the epoch late.
 */
static um_rc_t
topo_sh_trylock(um_topo_sh_t *sh)
{
    int err = pthread_mutex_trylock(&sh->writer);
    uint64_t gen;

    if (err == EBUSY) {
        return UM_AGAIN;
    }

    if (err == EOWNERDEAD) {
        gen = atomic_load_explicit(&sh->gen, memory_order_relaxed);
        atomic_store_explicit(
            &sh->epoch, sh->half[gen & 1].epoch, memory_order_release);
        um_log_notice(0, "topology zone: took over from a dead writer");
        err = pthread_mutex_consistent(&sh->writer);
    }

    if (err != 0) {
        um_log_error(err, "topology zone: the writer's lock is broken");
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_topo_publish(
    um_topo_sh_t *sh, const um_topo_t *next, bool force, uint64_t *gen)
{
    um_rc_t rc = topo_sh_trylock(sh);
    uint64_t now;

    if (rc != UM_OK) {
        return rc;
    }

    now = atomic_load_explicit(&sh->gen, memory_order_relaxed);

    if (!force && next->epoch <= sh->half[now & 1].epoch) {
        rc = UM_DECLINED;
    } else {
        /* A reader that sees the spare change must also see `gen` move. */
        atomic_thread_fence(memory_order_release);
        um_topo_copy(&sh->half[(now + 1) & 1], next);

        now++;
        atomic_store_explicit(&sh->gen, now, memory_order_release);
        atomic_store_explicit(&sh->epoch, next->epoch, memory_order_release);
    }

    *gen = now;
    (void) pthread_mutex_unlock(&sh->writer);
    return rc;
}

um_rc_t
um_topo_refresh(const um_topo_sh_t *sh, um_topo_t *mine, uint64_t *gen)
{
    uint64_t now;

    for (int i = 0; i < TOPO_SH_TRIES; i++) {
        now = atomic_load_explicit(&sh->gen, memory_order_acquire);
        if (now == *gen && i == 0) {
            return UM_DECLINED;
        }

        um_topo_copy(mine, &sh->half[now & 1]);

        /* Rule (1) kept the copy whole only if `gen` stood still meanwhile. */
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&sh->gen, memory_order_relaxed) == now) {
            *gen = now;
            return UM_OK;
        }
    }

    return UM_AGAIN;
}
