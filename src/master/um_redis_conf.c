/* SPDX-License-Identifier: Apache-2.0 */

#include "master/um_redis_conf.h"

#include "core/um_pool.h"
#include "core/um_str.h"

#include <string.h>

#define REDIS_NO_MEMORY "cannot be stored: out of memory"

static const um_bounds_t redis_stop = { .min = 100, .max = 3600000 };

/* One word of redis.conf: quoted, for it knows the same escapes as we do. */
static void
redis_quote(um_sbuf_t *out, const char *word)
{
    um_sbuf_addz(out, out->len > 0 ? " \"" : "\"");
    for (; *word != '\0'; word++) {
        unsigned char c = (unsigned char) *word;

        if (c == '"' || c == '\\') {
            um_sbuf_addf(out, "\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            um_sbuf_addf(out, "\\x%02x", c);
        } else {
            um_sbuf_add(out, word, 1);
        }
    }
    um_sbuf_addz(out, "\"");
}

/* What we decide ourselves; another value would cut the child off. */
static bool
redis_is_ours(const char *name)
{
    static const char *const ours[] = { "port", "bind", "unixsocket", "dir",
        "daemonize", "cluster-enabled", "requirepass", "supervised", "include",
        "replicaof", "slaveof", "tls-port" };

    for (size_t i = 0; i < um_countof(ours); i++) {
        if (um_str_ieq(um_str_of(name), um_str_of(ours[i]))) {
            return true;
        }
    }

    return false;
}

static const char *
redis_set_set(um_conf_cx_t *cx, const um_directive_t *d UM_UNUSED, void *conf)
{
    um_redis_conf_t *redis = conf;
    um_redis_set_t *list;
    um_sbuf_t value = { 0 };

    if (redis_is_ours(cx->arg[0])) {
        return "is decided by undermoond itself";
    }

    if (cx->arg[0][0] == '\0'
        || cx->arg[0][strspn(cx->arg[0],
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")]
               != '\0')
    {
        return "is no name of a setting of Redis";
    }

    list =
        um_pool_array(cx->pool, (size_t) redis->set_count + 1, sizeof(*list));
    if (list == NULL) {
        return REDIS_NO_MEMORY;
    }

    for (uint32_t i = 0; i < redis->set_count; i++) {
        list[i] = redis->set[i];
    }

    for (uint32_t i = 1; i < cx->argc; i++) {
        redis_quote(&value, cx->arg[i]);
    }

    list[redis->set_count].name =
        um_pool_strdup(cx->pool, um_str_of(cx->arg[0]));
    list[redis->set_count].value =
        value.failed
            ? NULL
            : um_pool_strdup(cx->pool, (um_str_t){ value.data, value.len });
    um_sbuf_deinit(&value);
    if (list[redis->set_count].name == NULL
        || list[redis->set_count].value == NULL) {
        return REDIS_NO_MEMORY;
    }

    redis->set = list;
    redis->set_count++;
    return NULL;
}

static const char *
redis_check(um_conf_cx_t *cx, void *conf)
{
    um_redis_conf_t *redis = conf;

    for (uint32_t i = 0; i < redis->listen_count; i++) {
        const um_addr_t *a = &redis->listen[i];

        if (a->kind == UM_ADDR_NAME) {
            return um_conf_phrase(cx,
                "listen: \"%.64s\" is a name, an IP address is needed",
                a->text);
        }

        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(a->text, redis->listen[j].text) == 0) {
                return um_conf_phrase(
                    cx, "listen: \"%.64s\" is named twice", a->text);
            }
        }
    }

    return NULL;
}

static const um_enum_t redis_policies[] = {
    { "noeviction", 0 },
    { "allkeys-lru", 1 },
    { "allkeys-lfu", 2 },
    { "allkeys-random", 3 },
    { "volatile-lru", 4 },
    { "volatile-lfu", 5 },
    { "volatile-random", 6 },
    { "volatile-ttl", 7 },
    { NULL, 0 },
};

/* As um_set_enum(), but Redis wants the word. */
static const char *
redis_set_policy(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int32_t which;
    um_directive_t plain = *d;
    const char *wrong;

    plain.offset = 0;
    wrong = um_set_enum(cx, &plain, &which);
    return wrong != NULL ? wrong : um_set_str(cx, d, conf);
}

static const um_directive_t redis_directives[] = {
    {
        .name = "listen",
        .args = "ADDRESS...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI | UM_DIR_REQUIRED | UM_DIR_RESTART,
        .set = um_set_addrs,
        .offset = offsetof(um_redis_conf_t, listen),
        .doc = "One redis-server is kept for each address: IP:PORT or "
               "unix:PATH.",
    },
    {
        .name = "server",
        .args = "FILE",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_str,
        .offset = offsetof(um_redis_conf_t, server),
        .doc = "The program to run. Without it the first of valkey-server, "
               "redis-server and keydb-server in PATH.",
    },
    {
        .name = "dir",
        .args = "DIRECTORY",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_path,
        .offset = offsetof(um_redis_conf_t, dir),
        .dflt = "/var/lib/undermoond/redis",
        .doc = "Each server keeps its data in a directory of its own in this "
               "one, named by its port.",
    },
    {
        .name = "appendonly",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_flag,
        .offset = offsetof(um_redis_conf_t, appendonly),
        .dflt = "on",
        .doc = "Whether the servers write an append only file.",
    },
    {
        .name = "maxmemory",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_size,
        .offset = offsetof(um_redis_conf_t, maxmemory),
        .dflt = "0",
        .doc = "Memory of each server. 0: no limit.",
    },
    {
        .name = "maxmemory_policy",
        .args = "noeviction | allkeys-lru | ...",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = redis_set_policy,
        .offset = offsetof(um_redis_conf_t, maxmemory_policy),
        .post = redis_policies,
        .dflt = "noeviction",
        .doc = "What a server does when maxmemory is reached; a word of "
               "Redis.",
    },
    {
        .name = "password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET | UM_DIR_RESTART,
        .set = um_set_str,
        .offset = offsetof(um_redis_conf_t, password),
        .doc = "What the servers ask for. Without it backend_password of the "
               "block proxy, if there is one.",
    },
    {
        .name = "stop_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_RESTART,
        .set = um_set_msec,
        .offset = offsetof(um_redis_conf_t, stop_timeout),
        .post = &redis_stop,
        .dflt = "60s",
        .doc = "How long a server may take to save and stop before it is "
               "killed. One that could not save is told again each second. "
               "From Redis 7 on it first waits for replicas that lag, 10 s by "
               "default (shutdown-timeout); be longer.",
    },
    {
        .name = "set",
        .args = "NAME VALUE...",
        .min = 2,
        .max = 64,
        .flags = UM_DIR_MULTI | UM_DIR_RESTART,
        .set = redis_set_set,
        .offset = offsetof(um_redis_conf_t, set),
        .doc = "Any other setting of redis.conf, for all servers: set save "
               "900 1; What the directives above decide cannot be set.",
    },
    { .name = NULL },
};

const um_block_t um_redis_block = {
    .name = "redis",
    .directives = redis_directives,
    .conf_size = sizeof(um_redis_conf_t),
    .doc = "The master keeps local redis-servers running as its children, "
           "starts them again when they die, and stops them last. They begin "
           "as replicas of nobody, which take no writes, until UMCTL SETREPL "
           "says which are masters.",
    .role = true,
    .restart = true,
    .check = redis_check,
};
