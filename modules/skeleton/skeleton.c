/*
 * skeleton.c -- the smallest guest: one directive, one line per worker.
 *
 *     module skeleton;
 *     skeleton { greeting "good morning"; }
 *
 * Copy this folder, rename what says skeleton, and read conf/um_module.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_module.h"

#include <string.h>

enum { GREETING_MAX = 60 };

/* What the block says; filled by the directive table, owned by its cycle. */
typedef struct {
    char *greeting;
} skeleton_conf_t;

/* The host, from open() on.  Everything we ask of it goes through this. */
static const um_host_api_t *host;

/* From this table come the parser, the default, -T and the manual. */
static const um_directive_t skeleton_directives[] = {
    {
        .name = "greeting",
        .args = "TEXT",
        .min = 1,
        .max = 1,
        .set = um_set_str,
        .offset = offsetof(skeleton_conf_t, greeting),
        .dflt = "hello",
        .doc = "What every worker says when it starts.",
    },
    { .name = NULL },
};

static const char *
skeleton_open(const um_host_api_t *api)
{
    host = api;
    return NULL;
}

/* A phrase that follows the block's name in the error message, or NULL. */
static const char *
skeleton_conf_check(um_conf_cx_t *cx UM_UNUSED, void *conf)
{
    const skeleton_conf_t *sk = conf;

    if (sk->greeting == NULL) {
        return "greeting is empty";
    }

    return strlen(sk->greeting) > GREETING_MAX ? "greeting is too long" : NULL;
}

/* Runs in each worker after the fork.  UM_ERR would end the worker. */
static um_rc_t
skeleton_init_worker(um_worker_t *w, void *conf)
{
    const skeleton_conf_t *sk = conf;

    if (sk == NULL) {
        return UM_OK; /* `module skeleton;` without a block */
    }

    if (*host->log_level >= UM_LOG_NOTICE) {
        host->log_write(UM_LOG_NOTICE, 0, "skeleton: %s from worker %u",
            sk->greeting, host->worker_id(w));
    }

    return UM_OK;
}

const um_module_t UM_MODULE(skeleton) = {
    UM_MODULE_HEAD,
    .name = "skeleton",
    .doc = "An example of a module; does nothing but greet.",
    .directives = skeleton_directives,
    .conf_size = sizeof(skeleton_conf_t),
    .open = skeleton_open,
    .conf_check = skeleton_conf_check,
    .init_worker = skeleton_init_worker,
};
