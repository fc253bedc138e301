/* SPDX-License-Identifier: Apache-2.0 */

#include "shm/um_settings.h"

/* Until the master writes what it has read. */
#define SETTINGS_SLOWER_THAN_US 50000
#define SETTINGS_SAMPLE_RATE    1
#define SETTINGS_SLOWLOG_LEN    1024

void
um_settings_init(um_settings_sh_t *sh)
{
    sh->layout = UM_SETTINGS_LAYOUT;
    sh->size = sizeof(*sh);
    atomic_init(&sh->slowlog_log_slower_than, SETTINGS_SLOWER_THAN_US);
    atomic_init(&sh->slowlog_sample_rate, SETTINGS_SAMPLE_RATE);
    atomic_init(&sh->slowlog_len, SETTINGS_SLOWLOG_LEN);
    atomic_init(&sh->start_wall_us, 0);
    atomic_init(&sh->reloads, 0);
    atomic_init(&sh->reload_errors, 0);
    atomic_init(&sh->last_reload_wall_us, 0);
    atomic_init(&sh->master_ns, 0);
    atomic_init(&sh->workers, 0);
    atomic_init(&sh->redis_version, 0);
}
