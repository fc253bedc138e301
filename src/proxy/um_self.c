/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_self.h"

#include "proxy/um_client_ask.h"
#include "proxy/um_cluster_cmd.h"
#include "proxy/um_future.h"
#include "proxy/um_umctl.h"
#include "proxy/um_worker_priv.h"
#include "proxy/um_zip.h"

static const um_self_pt handlers[UM_SELF_COUNT] = {
    [UM_SELF_PING] = um_self_ping,
    [UM_SELF_ECHO] = um_self_echo,
    [UM_SELF_QUIT] = um_self_quit,
    [UM_SELF_AUTH] = um_self_auth,
    [UM_SELF_SELECT] = um_self_select,
    [UM_SELF_RESET] = um_self_reset,
    [UM_SELF_TIME] = um_self_time,
    [UM_SELF_HELLO] = um_self_hello,
    [UM_SELF_CLIENT] = um_self_client,
    [UM_SELF_COMMAND] = um_self_command,
    [UM_SELF_INFO] = um_self_info,
    [UM_SELF_CONFIG] = um_self_config,
    [UM_SELF_READONLY] = um_self_readonly,
    [UM_SELF_READWRITE] = um_self_readwrite,
    [UM_SELF_ASKING] = um_self_asking,
    [UM_SELF_CLUSTER] = um_self_cluster,
    [UM_SELF_SLOWLOG] = um_self_slowlog,
    [UM_SELF_LATENCY] = um_self_latency,
    [UM_SELF_WAIT] = um_self_wait,
    [UM_SELF_UMCTL] = um_self_umctl,
};

um_self_pt
um_self_find(um_self_t self)
{
    return handlers[self];
}

um_rc_t
um_worker_init_commands(um_worker_t *w)
{
    um_client_ask_serve(w->bus);
    um_future_serve(w->bus);
    w->clusters = um_cluster_cache_new();
    w->umctl = um_umctl_new(w);
    w->zip = um_zip_new(w);
    return w->clusters == NULL || w->umctl == NULL || w->zip == NULL ? UM_ERR
                                                                     : UM_OK;
}

/* What is still being decoded stays in UMCTL's queue, which frees it. */
static void
job_drop(void *data)
{
    (void) data;
}

void
um_worker_deinit_commands(um_worker_t *w)
{
    um_jobs_free(w->jobs, job_drop);
    um_zip_free(w->zip);
    um_umctl_free(w->umctl);
    um_cluster_cache_free(w->clusters);
}
