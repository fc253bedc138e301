/*
 * store_config.c -- a cluster's configuration, by key and value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include <string.h>

const char *const store_compress_names[3] = {
    [STORE_COMPRESS_DISABLED] = "disabled",
    [STORE_COMPRESS_SET_GET_ONLY] = "set_get_only",
    [STORE_COMPRESS_ALLOW_ALL] = "allow_all",
};

bool
store_compress_parse(um_str_t s, store_compress_t *out)
{
    for (unsigned i = 0; i < um_countof(store_compress_names); i++) {
        if (um_str_ieq(s, um_str_of(store_compress_names[i]))) {
            *out = (store_compress_t) i;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *key;
    size_t offset;
    uint64_t min;
} numbers[] = {
    { "migration_max_migration_time",
        offsetof(store_config_t, max_migration_time), 0 },
    { "migration_max_blocking_time",
        offsetof(store_config_t, max_blocking_time), 0 },
    { "migration_scan_interval", offsetof(store_config_t, scan_interval), 0 },
    { "migration_scan_count", offsetof(store_config_t, scan_count), 1 },
};

static store_rc_t
config_fail(store_why_t *why, um_str_t key, um_str_t value, const char *message)
{
    *why = (store_why_t){ .key = key, .value = value, .message = message };
    return STORE_INVALID_CONFIG;
}

store_rc_t
store_config_set(
    store_config_t *config, um_str_t key, um_str_t value, store_why_t *why)
{
    if (um_str_ieq(key, um_lit("compression_strategy"))) {
        return store_compress_parse(value, &config->compression)
                   ? STORE_OK
                   : config_fail(why, key, value, "INVALID_VALUE");
    }

    for (size_t i = 0; i < um_countof(numbers); i++) {
        uint64_t v;

        if (!um_str_ieq(key, um_str_of(numbers[i].key))) {
            continue;
        }
        if (um_str_to_u64(value, &v) != UM_OK || v < numbers[i].min
            || v > STORE_NUMBER_MAX)
        {
            return config_fail(why, key, value, "INVALID_VALUE");
        }
        memcpy((char *) config + numbers[i].offset, &v, sizeof(v));
        return STORE_OK;
    }
    return config_fail(why, key, value, "FIELD_NOT_FOUND");
}

static bool
config_same(const store_config_t *a, const store_config_t *b)
{
    return a->compression == b->compression
           && a->max_migration_time == b->max_migration_time
           && a->max_blocking_time == b->max_blocking_time
           && a->scan_interval == b->scan_interval
           && a->scan_count == b->scan_count;
}

store_rc_t
store_set_config(store_t *s, um_str_t name, const store_pair_t *pairs, size_t n,
    store_why_t *why)
{
    store_config_t config;
    store_cluster_t *c;
    uint32_t place;
    store_rc_t rc = store_want_cluster(s, name, &place);

    if (rc != STORE_OK) {
        return rc;
    }
    if (store_busy(s->cluster[place])) {
        return STORE_MIGRATION_RUNNING;
    }

    config = s->cluster[place]->config;
    for (size_t i = 0; i < n; i++) {
        rc = store_config_set(&config, pairs[i].key, pairs[i].value, why);
        if (rc != STORE_OK) {
            return rc;
        }
    }
    if (config_same(&config, &s->cluster[place]->config)) {
        return STORE_OK;
    }

    c = store_cluster_own(s, place);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    c->config = config;
    store_touch(s, c);
    return STORE_OK;
}
