/*
 * um_slow_ring.c -- see um_slow_ring.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "shm/um_slow_ring.h"

#include <errno.h>
#include <string.h>

#include "core/um_log.h"

/* Numbers that a writer tries before it gives its entry up. */
#define SLOW_TRIES 4

size_t
um_slow_ring_size(uint32_t places)
{
    return sizeof(um_slow_ring_sh_t)
           + (size_t) places * sizeof(um_slow_place_sh_t);
}

um_rc_t
um_slow_ring_init(um_slow_ring_sh_t *sh, uint32_t places)
{
    pthread_mutexattr_t attr;
    int err;

    sh->layout = UM_SLOW_LAYOUT;
    sh->size = sizeof(um_slow_place_sh_t);
    sh->places = places;
    atomic_init(&sh->next, 0);
    atomic_init(&sh->begin, 0);
    atomic_init(&sh->dropped, 0);

    err = pthread_mutexattr_init(&attr);
    if (err != 0) {
        um_log_error(err, "slow log zone: no attributes for locks");
        return UM_ERR;
    }

    (void) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    (void) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (uint32_t i = 0; i < places && err == 0; i++) {
        err = pthread_mutex_init(&sh->place[i].writer, &attr);
    }
    (void) pthread_mutexattr_destroy(&attr);

    if (err != 0) {
        um_log_error(err, "slow log zone: a lock cannot be made");
        return UM_ERR;
    }
    return UM_OK;
}

/* UM_DECLINED: somebody alive is writing there. */
static um_rc_t
place_trylock(um_slow_place_sh_t *p)
{
    int err = pthread_mutex_trylock(&p->writer);

    if (err == EOWNERDEAD) {
        /* What it left is half an entry, by rule (3). */
        err = pthread_mutex_consistent(&p->writer);
    }

    return err == 0 ? UM_OK : UM_DECLINED;
}

/* All of it but the bytes of `text` that are not used. */
static void
slow_copy(um_slow_t *out, const um_slow_t *slow)
{
    size_t used = um_min((size_t) slow->used, sizeof(slow->text));

    memcpy(out, slow, offsetof(um_slow_t, text));
    memcpy(out->text, slow->text, used);
}

static um_rc_t
place_write(um_slow_place_sh_t *p, const um_slow_t *slow)
{
    uint64_t seq = atomic_load_explicit(&p->seq, memory_order_relaxed);

    if (seq != 0 && (seq & 1) == 0 && p->slow.id > slow->id) {
        return UM_DECLINED;
    }

    seq |= 1;
    atomic_store_explicit(&p->seq, seq, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    slow_copy(&p->slow, slow);
    atomic_store_explicit(&p->seq, seq + 1, memory_order_release);
    return UM_OK;
}

um_rc_t
um_slow_ring_add(um_slow_ring_sh_t *sh, um_slow_t *slow)
{
    for (int i = 0; i < SLOW_TRIES; i++) {
        um_slow_place_sh_t *p;
        um_rc_t rc;

        slow->id = atomic_fetch_add(&sh->next, 1);
        p = &sh->place[slow->id % sh->places];
        if (place_trylock(p) != UM_OK) {
            continue;
        }

        rc = place_write(p, slow);
        (void) pthread_mutex_unlock(&p->writer);
        if (rc == UM_OK) {
            return UM_OK;
        }
    }

    atomic_fetch_add(&sh->dropped, 1);
    return UM_DECLINED;
}

/* The entry `id`.  UM_DECLINED: it is not there, or not whole. */
static um_rc_t
place_read(const um_slow_ring_sh_t *sh, uint64_t id, um_slow_t *out)
{
    const um_slow_place_sh_t *p = &sh->place[id % sh->places];
    uint64_t seq = atomic_load_explicit(&p->seq, memory_order_acquire);

    if (seq == 0 || (seq & 1) != 0 || p->slow.id != id) {
        return UM_DECLINED;
    }

    slow_copy(out, &p->slow);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&p->seq, memory_order_relaxed) == seq
                   && out->id == id && out->used <= sizeof(out->text)
                   && out->kept <= UM_SLOW_WORDS
               ? UM_OK
               : UM_DECLINED;
}

/* The oldest number that counts. */
static uint64_t
ring_first(const um_slow_ring_sh_t *sh, uint64_t next, uint32_t len)
{
    uint64_t begin = atomic_load(&sh->begin);
    uint64_t most = um_min(len, sh->places);

    return um_max(begin, next > most ? next - most : 0);
}

um_rc_t
um_slow_ring_next(
    const um_slow_ring_sh_t *sh, uint32_t len, uint64_t *at, um_slow_t *out)
{
    uint64_t next = atomic_load(&sh->next);
    uint64_t first = ring_first(sh, next, len);
    uint64_t id = um_min(*at, next);

    while (id > first) {
        id--;
        if (place_read(sh, id, out) == UM_OK) {
            *at = id;
            return UM_OK;
        }
    }

    *at = first;
    return UM_DECLINED;
}

uint32_t
um_slow_ring_count(const um_slow_ring_sh_t *sh, uint32_t len)
{
    uint64_t next = atomic_load(&sh->next);
    uint32_t count = 0;

    for (uint64_t id = ring_first(sh, next, len); id < next; id++) {
        const um_slow_place_sh_t *p = &sh->place[id % sh->places];
        uint64_t seq = atomic_load_explicit(&p->seq, memory_order_acquire);

        count += seq != 0 && (seq & 1) == 0 && p->slow.id == id;
    }

    return count;
}

void
um_slow_ring_reset(um_slow_ring_sh_t *sh)
{
    atomic_store(&sh->begin, atomic_load(&sh->next));
}
