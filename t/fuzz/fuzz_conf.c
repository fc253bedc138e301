/*
 * Any text is a configuration or an error with a message; what loads, dumps,
 * and the dump loads to the same.  Opens no file and looks up no name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf.h"
#include "conf/um_module.h"
#include "core/um_str.h"
#include "master/um_main_conf.h"
#include "master/um_redis_conf.h"
#include "proxy/um_proxy_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const um_block_t *const blocks[] = { &um_main_block, &um_proxy_block,
    &um_redis_block, NULL };

typedef struct {
    uint64_t pause;
    um_addr_t *peer;
    uint32_t peer_count;
} guest_conf_t;

static const um_directive_t guest_directives[] = {
    {
        .name = "pause",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(guest_conf_t, pause),
        .unit = 1000,
        .dflt = "5s",
    },
    {
        .name = "peer",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_set_addrs,
        .offset = offsetof(guest_conf_t, peer),
    },
    { .name = NULL },
};

static const um_module_t guest = {
    UM_MODULE_HEAD,
    .name = "guest",
    .directives = guest_directives,
    .conf_size = sizeof(guest_conf_t),
    .role = true,
};

static const char *
open_module(void *data UM_UNUSED, const char *name, const um_module_t **m)
{
    *m = &guest;
    return strcmp(name, "guest") == 0 ? NULL : "cannot be found";
}

static um_conf_t *
load(const char *text, char *err)
{
    um_conf_options_t o = {
        .file = "f",
        .text = text,
        .blocks = blocks,
        .module_open = open_module,
        .hermetic = true,
        .quiet = true,
    };

    return um_conf_load(&o, err);
}

static void
must(bool fact, const char *what, const char *text)
{
    if (!fact) {
        fprintf(stderr, "%s\n%s\n", what, text);
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char err[UM_CONF_ERR_MAX];
    um_sbuf_t text = { 0 }, one = { 0 }, two = { 0 };
    um_conf_t *cf, *again;

    um_sbuf_add(&text, data, size);
    cf = load(um_sbuf_cstr(&text), err);
    if (cf == NULL) {
        must(err[0] != '\0', "an error without a message", "");
    } else {
        um_conf_dump(cf, &one);
        again = load(um_sbuf_cstr(&one), err);
        must(again != NULL, err, um_sbuf_cstr(&one));
        um_conf_dump(again, &two);
        must(strcmp(um_sbuf_cstr(&one), um_sbuf_cstr(&two)) == 0,
            "the dump of a dump differs", um_sbuf_cstr(&one));
        must(um_conf_restart_needed(cf, again, &two) == 0,
            "a dump needs a restart", um_sbuf_cstr(&one));
        um_conf_free(again);
        um_conf_free(cf);
    }

    um_sbuf_deinit(&text);
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    return 0;
}
