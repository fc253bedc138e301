/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_sh_lock.h"

#include <errno.h>

#include "core/um_log.h"

um_rc_t
um_sh_lock_init(pthread_mutex_t *lock, const char *zone)
{
    pthread_mutexattr_t attr;
    int err = pthread_mutexattr_init(&attr);

    if (err != 0) {
        um_log_error(err, "%s zone: no mutex attributes", zone);
        return UM_ERR;
    }

    err = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (err == 0) {
        err = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (err == 0) {
        err = pthread_mutex_init(lock, &attr);
    }

    (void) pthread_mutexattr_destroy(&attr);
    if (err != 0) {
        um_log_error(err, "%s zone: no robust shared mutex", zone);
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_sh_trylock(pthread_mutex_t *lock, const char *zone, bool *died)
{
    int err = pthread_mutex_trylock(lock);

    if (err == EBUSY) {
        return UM_AGAIN;
    }

    *died = err == EOWNERDEAD;
    if (*died) {
        um_log_notice(0, "%s zone: took over from a dead writer", zone);
        err = pthread_mutex_consistent(lock);
    }

    if (err != 0) {
        um_log_error(err, "%s zone: the writer's lock is broken", zone);
        return UM_ERR;
    }

    return UM_OK;
}
