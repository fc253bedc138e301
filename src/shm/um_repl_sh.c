/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_repl_sh.h"

#include <string.h>

#include "core/um_clock.h"
#include "shm/um_sh_lock.h"

#define REPL_ZONE "replication"

/* A publication takes longer than a copy: a second overtaking is no chance. */
#define REPL_SH_TRIES 3

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
/* gcc says that TSan cannot see fences; t/tsan.supp names the copy. */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

const char *
um_repl_state_name(um_repl_state_t s)
{
    static const char *const names[] = {
        [UM_REPL_NEW] = "new",
        [UM_REPL_DOWN] = "down",
        [UM_REPL_SILENT] = "silent",
        [UM_REPL_LOADING] = "loading",
        [UM_REPL_DOUBTED] = "doubted",
        [UM_REPL_FENCING] = "fencing",
        [UM_REPL_FENCED] = "fenced",
        [UM_REPL_SERVING] = "serving",
        [UM_REPL_WAITING] = "waiting",
        [UM_REPL_SYNCING] = "syncing",
        [UM_REPL_IN_SYNC] = "in_sync",
    };

    return (size_t) s < um_countof(names) ? names[s] : "unknown";
}

um_rc_t
um_repl_sh_init(um_repl_sh_t *sh)
{
    memset(sh, 0, sizeof(*sh));
    if (um_sh_lock_init(&sh->writer, REPL_ZONE) != UM_OK) {
        return UM_ERR;
    }

    sh->layout = UM_REPL_SH_LAYOUT;
    sh->size = sizeof(*sh);
    return UM_OK;
}

um_rc_t
um_repl_publish(um_repl_sh_t *sh, const um_repl_t *next, bool force)
{
    bool died;
    um_rc_t rc = um_sh_trylock(&sh->writer, REPL_ZONE, &died);
    uint64_t now;

    if (rc != UM_OK) {
        return rc;
    }

    /* Of a dead writer only the spare half can be dirty, rule (3), and the
     * copy of the epoch late. */
    now = atomic_load_explicit(&sh->gen, memory_order_relaxed);
    if (!force && next->epoch <= sh->wanted[now & 1].epoch) {
        rc = UM_DECLINED;
    } else {
        /* A reader that sees the spare change must also see `gen` move. */
        atomic_thread_fence(memory_order_release);
        um_repl_copy(&sh->wanted[(now + 1) & 1], next);
        atomic_store_explicit(
            &sh->wished_ns, um_clock_boot_ns(), memory_order_release);
        atomic_store_explicit(&sh->gen, now + 1, memory_order_release);
    }

    now = atomic_load_explicit(&sh->gen, memory_order_relaxed);
    atomic_store_explicit(
        &sh->epoch, sh->wanted[now & 1].epoch, memory_order_release);
    um_sh_unlock(&sh->writer);
    return rc;
}

static void
board_copy(um_repl_board_t *to, const um_repl_board_t *from)
{
    to->of_gen = from->of_gen;
    to->count = um_min(from->count, (uint32_t) UM_REPL_NODES);
    memcpy(to->node, from->node, to->count * sizeof(to->node[0]));
}

static void
copy_wanted(const um_repl_sh_t *sh, uint64_t gen, void *mine)
{
    um_repl_copy(mine, &sh->wanted[gen & 1]);
}

static void
copy_found(const um_repl_sh_t *sh, uint64_t gen, void *mine)
{
    board_copy(mine, &sh->found[gen & 1]);
}

static um_rc_t
repl_refresh(const um_repl_sh_t *sh, const _Atomic uint64_t *published,
    void (*copy)(const um_repl_sh_t *sh, uint64_t gen, void *mine), void *mine,
    uint64_t *gen)
{
    for (int i = 0; i < REPL_SH_TRIES; i++) {
        uint64_t now = atomic_load_explicit(published, memory_order_acquire);

        if (now == *gen && i == 0) {
            return UM_DECLINED;
        }

        copy(sh, now, mine);

        /* Rule (1) kept the copy whole only if `gen` stood still meanwhile. */
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(published, memory_order_relaxed) == now) {
            *gen = now;
            return UM_OK;
        }
    }

    return UM_AGAIN;
}

um_rc_t
um_repl_refresh(const um_repl_sh_t *sh, um_repl_t *mine, uint64_t *gen)
{
    return repl_refresh(sh, &sh->gen, copy_wanted, mine, gen);
}

um_rc_t
um_repl_refresh_found(
    const um_repl_sh_t *sh, um_repl_board_t *mine, uint64_t *gen)
{
    return repl_refresh(sh, &sh->found_gen, copy_found, mine, gen);
}

void
um_repl_show(um_repl_sh_t *sh, const um_repl_board_t *board)
{
    uint64_t now = atomic_load_explicit(&sh->found_gen, memory_order_relaxed);

    atomic_thread_fence(memory_order_release);
    board_copy(&sh->found[(now + 1) & 1], board);
    atomic_store_explicit(&sh->found_gen, now + 1, memory_order_release);
}
