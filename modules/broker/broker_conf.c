/* SPDX-License-Identifier: Apache-2.0 */

#include "broker_conf.h"
#include "broker_conf_storage.h"

#include <string.h>

#include "core/um_str.h"

static const um_bounds_t conf_connections = { .min = 4, .max = 10000 };
static const um_bounds_t conf_time = { .min = 100, .max = 3600000 };
static const um_bounds_t conf_body = { .min = 1024, .max = 64 << 20 };
static const um_bounds_t conf_ttl = { .min = 1000, .max = 86400000 };
static const um_bounds_t conf_sync = { .min = 0, .max = 86400000 };
static const um_bounds_t conf_storage_time = { .min = 100, .max = 60000 };
static const um_bounds_t conf_refresh = { .min = 100, .max = 3600000 };
static const um_bounds_t conf_any = { .min = 0, .max = INT64_MAX };
static const um_bounds_t conf_at_least_one = { .min = 1, .max = INT64_MAX };

/* As store_compress_t counts them. */
static const um_enum_t conf_compression[] = {
    { "disabled", 0 },
    { "set_get_only", 1 },
    { "allow_all", 2 },
    { NULL, 0 },
};

const um_directive_t broker_directives[] = {
    {
        .name = "listen",
        .args = "ADDRESS...",
        .min = 1,
        .max = 16,
        .flags = UM_DIR_MULTI,
        .set = um_set_addrs,
        .offset = offsetof(broker_conf_t, listen),
        .dflt = "127.0.0.1:7799",
        .doc = "Where it answers: host:port, [IPv6]:port or unix:/path. "
               "Whoever can write to it can take every cluster apart: outside "
               "of this machine use allow, write_token or write_user, too.",
        .env = "ADDRESS",
    },
    {
        .name = "allow",
        .args = "ADDRESS | NETWORK | unix...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_set_cidrs,
        .offset = offsetof(broker_conf_t, allow),
        .doc = "Who may ask; others are answered with 403. Without it "
               "everybody who can reach the address.",
    },
    {
        .name = "write_token",
        .args = "TOKEN",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(broker_conf_t, write_token),
        .doc = "What a request that changes something has to say in "
               "Authorization: Bearer TOKEN. Without any of write_token, "
               "write_user and write_allow everybody may.",
    },
    {
        .name = "write_user",
        .args = "NAME PASSWORD",
        .min = 2,
        .max = 2,
        .flags = UM_DIR_SECRET,
        .set = um_set_login,
        .offset = offsetof(broker_conf_t, write_user),
        .doc = "The same by basic authentication. With both, either is "
               "enough.",
    },
    {
        .name = "write_allow",
        .args = "ADDRESS | NETWORK | unix...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_set_cidrs,
        .offset = offsetof(broker_conf_t, write_allow),
        .doc = "Who may change something without saying who he is: "
               "coordinators of the reference know neither token nor name. "
               "Whoever is elsewhere needs write_token or write_user; without "
               "these two he is answered with 403.",
    },
    {
        .name = "storage",
        .args = "memory | file PATH | http ADDRESS",
        .min = 1,
        .max = 2,
        .set = broker_set_storage,
        .offset = offsetof(broker_conf_t, file),
        .dflt = "memory",
        .doc = "Where the metadata is kept. In memory it is gone with the "
               "process. In a file every change is on the disk before it is "
               "answered; beside PATH there are PATH.old, the state before, "
               "and PATH.lock. By http it is an external store, which several "
               "brokers may share: storage_name and storage_password say "
               "which.",
        .env = "STORAGE_TYPE",
        .env_words = broker_storage_env,
    },
    {
        .name = "storage_name",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .set = broker_set_storage_name,
        .offset = offsetof(broker_conf_t, external_name),
        .dflt = "my_storage_name",
        .doc = "Which of the stores at the address of storage http; its user, "
               "too.",
        .env = "STORAGE_NAME",
    },
    {
        .name = "storage_password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(broker_conf_t, external_password),
        .dflt = "my_storage_password",
        .doc = "What is said to it, by basic authentication.",
        .env = "STORAGE_PASSWORD",
    },
    {
        .name = "storage_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, storage_timeout),
        .post = &conf_storage_time,
        .dflt = "5s",
        .doc = "How long it may take to answer.",
    },
    {
        .name = "refresh_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, refresh_interval),
        .post = &conf_refresh,
        .unit = 1000,
        .dflt = "30s",
        .doc = "The external store is read at least that often: so old is "
               "what this broker knows of changes made by others.",
        .env = "REFRESH_INTERVAL",
    },
    {
        .name = "recover_from_meta_file",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(broker_conf_t, recover),
        .dflt = "on",
        .doc = "Whether it starts with what is in its file. Dumps of the "
               "reference are taken, too. Off: it starts empty, and the first "
               "change replaces the file.",
        .env = "RECOVER_FROM_META_FILE",
    },
    {
        .name = "update_meta_file_interval",
        .args = "SECONDS",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_u32,
        .offset = offsetof(broker_conf_t, update_interval),
        .doc = "Accepted, without effect: the file has every change at once.",
        .env = "UPDATE_META_FILE_INTERVAL",
    },
    {
        .name = "replica_addresses",
        .args = "ADDRESS...",
        .min = 1,
        .max = REPLICAS_MAX,
        .flags = UM_DIR_MULTI | UM_DIR_LIST,
        .set = um_set_addrs,
        .offset = offsetof(broker_conf_t, replicas),
        .doc = "Other brokers, host:port, that get the whole metadata from "
               "this one, so that one of them can take its place. What PUT "
               "config says replaces them until the next start.",
        .env = "REPLICA_ADDRESSES",
    },
    {
        .name = "sync_meta_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, sync_interval),
        .post = &conf_sync,
        .unit = 1000,
        .dflt = "1s",
        .doc = "How often replicas get what has changed, and are asked whether "
               "they still have it; 0 for never.",
        .env = "SYNC_META_INTERVAL",
    },
    {
        .name = "replica_token",
        .args = "TOKEN",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(broker_conf_t, replica_token),
        .doc = "What replicas are told in Authorization: Bearer TOKEN: their "
               "write_token.",
    },
    {
        .name = "failure_ttl",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, failure_ttl),
        .post = &conf_ttl,
        .unit = 1000,
        .dflt = "60s",
        .doc = "How long a report of a failed proxy is believed.",
        .env = "FAILURE_TTL",
    },
    {
        .name = "failure_quorum",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, failure_quorum),
        .post = &conf_any,
        .dflt = "1",
        .doc = "So many coordinators have to report a proxy before it counts "
               "as failed.",
        .env = "FAILURE_QUORUM",
    },
    {
        .name = "migration_limit",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, migration_limit),
        .post = &conf_any,
        .dflt = "1",
        .doc = "How many tasks of a migration a cluster works on at once; 0 "
               "for all. A lower one lets those that run go on.",
        .env = "MIGRATION_LIMIT",
    },
    {
        .name = "enable_ordered_proxy",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(broker_conf_t, ordered),
        .dflt = "off",
        .doc = "Proxies have an index and are taken in its order; there is "
               "one cluster, and hosts do not matter. What a file says wins.",
        .env = "ENABLE_ORDERED_PROXY",
    },
    {
        .name = "scaling_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, scaling_timeout),
        .post = &conf_ttl,
        .dflt = "10m",
        .doc = "How long POST clusters/migrations/auto waits for proxies to "
               "know of the nodes that were added, before it gives up and "
               "says which did not.",
    },
    {
        .name = "recovery_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, recovery_timeout),
        .post = &conf_ttl,
        .dflt = "10m",
        .doc =
            "When the file was damaged and the state before is used, proxies "
            "may know higher epochs. All are asked, and the epoch goes "
            "beyond them; those that do not answer are asked again for that "
            "long.",
    },
    {
        .name = "compression_strategy",
        .args = "disabled | set_get_only | allow_all",
        .min = 1,
        .max = 1,
        .set = um_set_enum,
        .offset = offsetof(broker_conf_t, compression),
        .post = conf_compression,
        .dflt = "disabled",
        .doc = "What a new cluster starts with, as the four that follow; "
               "PATCH clusters/config changes it.",
        .env = "COMPRESSION_STRATEGY",
    },
    {
        .name = "migration_max_migration_time",
        .args = "SECONDS",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, max_migration_time),
        .post = &conf_any,
        .dflt = "10800",
        .doc = "How long a migration may take.",
        .env = "MIGRATION_MAX_MIGRATION_TIME",
    },
    {
        .name = "migration_max_blocking_time",
        .args = "MILLISECONDS",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, max_blocking_time),
        .post = &conf_any,
        .dflt = "10000",
        .doc = "How long clients may wait while it switches over.",
        .env = "MIGRATION_MAX_BLOCKING_TIME",
    },
    {
        .name = "migration_scan_interval",
        .args = "MICROSECONDS",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, scan_interval),
        .post = &conf_any,
        .dflt = "500",
        .doc = "The pause between two steps of moving keys.",
        .env = "MIGRATION_SCAN_INTERVAL",
    },
    {
        .name = "migration_scan_count",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u64,
        .offset = offsetof(broker_conf_t, scan_count),
        .post = &conf_at_least_one,
        .dflt = "16",
        .doc = "How many keys a step moves.",
        .env = "MIGRATION_SCAN_COUNT",
    },
    {
        .name = "max_connections",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(broker_conf_t, max_connections),
        .post = &conf_connections,
        .dflt = "1000",
        .doc = "Connections at once. When they are used up the one idle for "
               "longest, or a silent one, is closed; where none is, new ones "
               "wait.",
    },
    {
        .name = "request_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, request_timeout),
        .post = &conf_time,
        .dflt = "10s",
        .doc = "How long a request may take to come in, and an answer to be "
               "read.",
    },
    {
        .name = "idle_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(broker_conf_t, idle_timeout),
        .post = &conf_time,
        .dflt = "75s",
        .doc = "How long a connection may be idle between two requests.",
    },
    {
        .name = "body_limit",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(broker_conf_t, body_limit),
        .post = &conf_body,
        .dflt = "64k",
        .doc = "Bytes of a request's body; more is answered with 413.",
    },
    {
        .name = "metadata_limit",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(broker_conf_t, metadata_limit),
        .post = &conf_body,
        .dflt = "64m",
        .doc = "The same for PUT metadata.",
    },
    {
        .name = "view_memory",
        .args = "SIZE",
        .min = 1,
        .max = 1,
        .set = um_set_size,
        .offset = offsetof(broker_conf_t, view_memory),
        .post = &conf_any,
        .dflt = "64m",
        .doc = "Bytes of answers about proxies and clusters that are kept "
               "until they change.",
    },
    { .name = NULL },
};

const char *
broker_conf_check(um_conf_cx_t *cx, void *conf)
{
    const broker_conf_t *bc = conf;
    const char *wrong;

    if (bc->listen_count > 16) {
        return "has more than 16 addresses to listen on";
    }

    wrong = um_conf_check_ports(cx, "listen", bc->listen, bc->listen_count);
    if (wrong != NULL) {
        return wrong;
    }

    if (bc->replicas_count > REPLICAS_MAX) {
        return um_conf_phrase(
            cx, "has more than %d replica_addresses", REPLICAS_MAX);
    }

    for (uint32_t i = 0; i < bc->replicas_count; i++) {
        wrong = broker_replica_wrong(bc->replicas, i);
        if (wrong != NULL) {
            return um_conf_phrase(cx, "replica_addresses: %.64s: %s",
                bc->replicas[i].text, wrong);
        }
    }

    return NULL;
}

const char *
broker_replica_wrong(const um_addr_t *list, uint32_t i)
{
    if (list[i].kind == UM_ADDR_UNIX) {
        return "has no port";
    }

    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(list[k].text, list[i].text) == 0) {
            return "is there twice";
        }
    }

    return NULL;
}

const um_addr_t *
broker_conf_listen(const void *conf, uint32_t i)
{
    const broker_conf_t *bc = conf;

    return i < bc->listen_count ? &bc->listen[i] : NULL;
}
