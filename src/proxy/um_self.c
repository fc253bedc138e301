/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_self.h"

#include "proxy/um_worker_priv.h"

static const um_self_pt handlers[UM_SELF_COUNT] = {
    [UM_SELF_NONE] = NULL,
};

um_self_pt
um_self_find(um_self_t self)
{
    return handlers[self];
}

um_rc_t
um_worker_init_commands(um_worker_t *w)
{
    (void) w;
    return UM_OK;
}

void
um_worker_deinit_commands(um_worker_t *w)
{
    (void) w;
}
