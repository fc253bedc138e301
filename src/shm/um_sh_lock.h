/*
 * um_sh_lock.h -- the lock of whoever writes to a zone, shared by processes
 * and surviving each of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SH_LOCK_H
#define UM_SH_LOCK_H

#include <pthread.h>

#include "core/um_base.h"

/* Master only, before the first fork; `zone` is for the log. */
UM_MUSTCHECK um_rc_t um_sh_lock_init(pthread_mutex_t *lock, const char *zone);

/*
 * Take it without waiting.  UM_AGAIN: another writer is at it.  UM_ERR: it is
 * broken; logged.  `died`: the one before died holding it, and what he left
 * half done is the caller's to know.
 */
UM_MUSTCHECK um_rc_t um_sh_trylock(
    pthread_mutex_t *lock, const char *zone, bool *died);

static inline void
um_sh_unlock(pthread_mutex_t *lock)
{
    (void) pthread_mutex_unlock(lock);
}

#endif /* UM_SH_LOCK_H */
