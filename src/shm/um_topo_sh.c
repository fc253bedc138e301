/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_topo_sh.h"

#include "shm/um_sh_lock.h"

/* A publication takes longer than a copy: a second overtaking is no chance. */
#define TOPO_SH_TRIES 3

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
/* gcc says that TSan cannot see fences; t/tsan.supp names the copy. */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

#define TOPO_ZONE "topology"

um_rc_t
um_topo_sh_init(um_topo_sh_t *sh)
{
    atomic_init(&sh->gen, 0);
    atomic_init(&sh->epoch, 0);
    um_topo_clear(&sh->half[0]);
    um_topo_clear(&sh->half[1]);
    if (um_sh_lock_init(&sh->writer, TOPO_ZONE) != UM_OK) {
        return UM_ERR;
    }

    sh->layout = UM_TOPO_LAYOUT;
    sh->size = sizeof(*sh);
    return UM_OK;
}

/*
 * Take the writer's lock, also from a writer that died holding it: only the
 * spare half can be dirty then, rule (4), and the copy of the epoch late.
 */
static um_rc_t
topo_sh_trylock(um_topo_sh_t *sh)
{
    bool died;
    um_rc_t rc = um_sh_trylock(&sh->writer, TOPO_ZONE, &died);
    uint64_t gen;

    if (rc == UM_OK && died) {
        gen = atomic_load_explicit(&sh->gen, memory_order_relaxed);
        atomic_store_explicit(
            &sh->epoch, sh->half[gen & 1].epoch, memory_order_release);
    }

    return rc;
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
    um_sh_unlock(&sh->writer);
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
