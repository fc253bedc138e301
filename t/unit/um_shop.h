/*
 * um_shop.h -- blocks that exist for the tests of the configuration only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_SHOP_H
#define UM_SHOP_H

#include "um_check.h"

#include "conf/um_conf.h"
#include "conf/um_module.h"

#include <string.h>

typedef struct {
    bool env;
} top_conf_t;

typedef struct {
    bool flag;
    uint32_t number;
    uint64_t count;
    int64_t balance;
    uint64_t pause;
    uint64_t seconds;
    int64_t slow;
    uint64_t fine;
    uint64_t room;
    char *text;
    char *file;
    int32_t colour;
    um_addr_t peer;
    um_addr_t *peers;
    uint32_t peer_count;
    uint32_t checked;
} shop_conf_t;

static const um_bounds_t one_to_nine = { .min = 1, .max = 9 };
static const um_bounds_t from_two = { .min = 2 };
static const um_bounds_t short_pause = { .min = 10, .max = 60000 };
static const um_bounds_t some_room = { .min = 1024, .max = 1 << 20 };
static const um_enum_t colours[] = { { "red", 1 }, { "green", 2 },
    { NULL, 0 } };

static const um_directive_t top_directives[] = {
    { .name = "env",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_ENV,
        .set = um_set_flag,
        .offset = offsetof(top_conf_t, env) },
    { .name = "module",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_MULTI | UM_DIR_MODULE,
        .set = um_set_ignored },
    { .name = NULL },
};

#define FIELD(n) .min = 1, .max = 1, .offset = offsetof(shop_conf_t, n)

static const char *
shop_words(um_conf_cx_t *cx, um_sbuf_t *out)
{
    const char *host = um_conf_getenv(cx->cf, "UNDERMOON_HOST");
    const char *port = um_conf_getenv(cx->cf, "UNDERMOON_PORT");

    if (host != NULL && port == NULL) {
        return "needs UNDERMOON_PORT beside UNDERMOON_HOST";
    }

    if (host != NULL) {
        um_sbuf_addf(out, "%s:%s", host, port);
    }
    return NULL;
}

static const um_directive_t shop_directives[] = {
    { .name = "flag", FIELD(flag), .set = um_set_flag, .env = "FLAG" },
    { .name = "number",
        FIELD(number),
        .set = um_set_u32,
        .post = &one_to_nine,
        .dflt = "3",
        .env = "NUMBER",
        .flags = UM_DIR_RESTART },
    { .name = "count", FIELD(count), .set = um_set_u64, .post = &from_two },
    { .name = "balance", FIELD(balance), .set = um_set_i64 },
    { .name = "pause",
        FIELD(pause),
        .set = um_set_msec,
        .post = &short_pause,
        .dflt = "1s",
        .env = "PAUSE",
        .flags = UM_DIR_RESTART },
    { .name = "seconds",
        FIELD(seconds),
        .set = um_set_msec,
        .unit = 1000,
        .env = "SECONDS" },
    { .name = "slow", FIELD(slow), .set = um_set_usec },
    { .name = "fine", FIELD(fine), .set = um_set_nsec },
    { .name = "room", FIELD(room), .set = um_set_size, .post = &some_room },
    { .name = "text", FIELD(text), .set = um_set_str, .env = "TEXT" },
    {
        .name = "secret",
        FIELD(peer),
        .set = um_set_addr, /* something that can fail */
        .flags = UM_DIR_SECRET,
    },
    { .name = "file", FIELD(file), .set = um_set_path },
    { .name = "colour", FIELD(colour), .set = um_set_enum, .post = colours },
    { .name = "peer",
        FIELD(peer),
        .set = um_set_addr,
        .env = "PEER",
        .env_words = shop_words },
    { .name = "peers",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI | UM_DIR_LIST,
        .set = um_set_addrs,
        .offset = offsetof(shop_conf_t, peers),
        .env = "PEERS" },
    { .name = "pair", .min = 2, .max = 3, .set = um_set_ignored },
    { .name = "many",
        .min = 2,
        .max = UM_CONF_WORDS_MAX,
        .set = um_set_ignored },
    { .name = "old",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_ignored },
    { .name = NULL },
};

static const char *
shop_check(um_conf_cx_t *cx, void *conf)
{
    shop_conf_t *shop = conf;

    shop->checked++;
    if (shop->number == 7) {
        return um_conf_phrase(cx, "number %u is unlucky", shop->number);
    }
    return NULL;
}

static const um_directive_t yard_directives[] = {
    { .name = "gate",
        .min = 1,
        .max = 1,
        .set = um_set_ignored,
        .flags = UM_DIR_REQUIRED },
    { .name = NULL },
};

static const um_block_t top_block = { .name = "main",
    .directives = top_directives,
    .conf_size = sizeof(top_conf_t) };
static const um_block_t shop_block = { .name = "shop",
    .directives = shop_directives,
    .conf_size = sizeof(shop_conf_t),
    .role = true,
    .env = true,
    .check = shop_check };
static const um_block_t yard_block = { .name = "yard",
    .directives = yard_directives,
    .role = true,
    .env = true,
    .restart = true };
static const um_block_t *const blocks[] = { &top_block, &shop_block,
    &yard_block, NULL };

static const um_module_t guest = { UM_MODULE_HEAD, .name = "guest",
    .directives = yard_directives, .role = true };
static const um_module_t shop_too = { UM_MODULE_HEAD, .name = "shop" };

static const char *
open_module(void *data, const char *name, const um_module_t **m)
{
    ck_assert_ptr_eq(data, &guest);
    *m = strcmp(name, "shop") == 0 ? &shop_too : &guest;
    return strcmp(name, "nowhere") == 0 ? "cannot be found" : NULL;
}

static char err[UM_CONF_ERR_MAX];

static inline um_conf_options_t
options(const char *text)
{
    return (um_conf_options_t){ .file = "f.conf",
        .text = text,
        .blocks = blocks,
        .hermetic = true,
        .quiet = true,
        .module_open = open_module,
        .module_data = (void *) (uintptr_t) &guest };
}

static inline um_conf_t *
load(const char *text)
{
    um_conf_options_t o = options(text);

    return um_conf_load(&o, err);
}

static inline const shop_conf_t *
shop_of(um_conf_t *cf)
{
    ck_assert_msg(cf != NULL, "%s", err);
    return um_conf_block(cf, "shop");
}

#endif /* UM_SHOP_H */
