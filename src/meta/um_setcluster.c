/* SPDX-License-Identifier: Apache-2.0 */

#include "meta/um_setcluster.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "meta/um_base64.h"
#include "meta/um_gunzip.h"
#include "meta/um_setcluster_in.h"

/* A full topology with the longest names is below a third of it. */
#define SETCLUSTER_JSON_MAX (32u << 20)

#define SCAN_COUNT_MAX 65536

bool
um_setcluster_is_name(um_str_t name)
{
    if (name.len > UM_TOPO_NAME_MAX) {
        return false;
    }

    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i], l = um_char_lower(c);

        if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '@'
            && c != '_' && c != '-')
        {
            return false;
        }
    }

    return true;
}

bool
um_setcluster_name(um_topo_t *t, um_str_t name)
{
    if (!um_setcluster_is_name(name)) {
        return false;
    }

    memset(t->cluster, 0, sizeof(t->cluster));
    memcpy(t->cluster, name.data, name.len);
    return true;
}

bool
um_setcluster_strategy(um_topo_t *t, um_str_t word)
{
    if (um_str_ieq(word, um_lit("disabled"))) {
        t->compression = UM_COMPRESS_OFF;
    } else if (um_str_ieq(word, um_lit("set_get_only"))) {
        t->compression = UM_COMPRESS_SET_GET;
    } else if (um_str_ieq(word, um_lit("allow_all"))) {
        t->compression = UM_COMPRESS_ALL;
    } else {
        return false;
    }

    return true;
}

void
um_setcluster_bound_config(um_topo_t *t)
{
    t->max_migration_time = um_min(t->max_migration_time, UINT32_MAX);
    t->max_blocking_time = um_min(t->max_blocking_time, UINT32_MAX);
    t->scan_interval = um_min(t->scan_interval, UINT32_MAX);
    t->scan_count = um_min(um_max(t->scan_count, 1), SCAN_COUNT_MAX);
}

static const char *
packed_decode(um_str_t text, um_topo_build_t *b, um_topo_t *t)
{
    const char *error = UM_SETCLUSTER_BAD_ARGS;
    unsigned char *gz = malloc(um_base64_room(text.len) + 1);
    char *json = NULL;
    size_t len;

    if (gz == NULL) {
        return "out of memory";
    }

    if (um_base64_decode(text, gz, &len) == UM_OK) {
        switch (um_gunzip(gz, len, SETCLUSTER_JSON_MAX, &json, &len)) {
        case UM_OK:
            error = um_setcluster_json((um_str_t){ json, len }, b, t);
            break;

        case UM_DONE:
            error = "Failed to parse args: unpacks to too many bytes";
            break;

        case UM_ERR:
            error = "out of memory";
            break;

        default:
            break;
        }
    }

    free(json);
    free(gz);
    return error;
}

/* What stands before the first ':'; of "[::1]" without its brackets. */
static um_str_t
host_of(um_str_t addr)
{
    const char *end;

    if (addr.len > 0 && addr.data[0] == '[') {
        end = memchr(addr.data, ']', addr.len);
        if (end != NULL) {
            return (um_str_t){ addr.data + 1, (size_t) (end - addr.data) - 1 };
        }
    }

    end = memchr(addr.data, ':', addr.len);
    return (um_str_t){ addr.data,
        end != NULL ? (size_t) (end - addr.data) : addr.len };
}

bool
um_setcluster_is_mine(um_str_t addr, um_str_t announce_host)
{
    um_str_t host = host_of(addr);

    if (announce_host.len > 1 && announce_host.data[0] == '[') {
        announce_host = host_of(announce_host);
    }

    /* A socket file is nowhere else. */
    return host.len != addr.len
           && (um_str_eq(host, announce_host)
               || um_str_eq(host, um_lit("unix")));
}

static bool
locals_are_mine(const um_topo_t *t, um_str_t announce_host)
{
    for (uint32_t a = 0; a < t->local_count; a++) {
        if (!um_setcluster_is_mine(
                um_topo_str(t, t->addr[a].name), announce_host)) {
            return false;
        }
    }

    return true;
}

void
um_setcluster_flags(um_str_t flags, bool *force, bool *compress)
{
    *force = *compress = false;

    while (flags.len > 0) {
        const char *comma = memchr(flags.data, ',', flags.len);
        um_str_t flag = { flags.data,
            comma != NULL ? (size_t) (comma - flags.data) : flags.len };
        size_t taken = flag.len + (comma != NULL);

        *force |= um_str_ieq(flag, um_lit("FORCE"));
        *compress |= um_str_ieq(flag, um_lit("COMPRESS"));
        flags.data += taken;
        flags.len -= taken;
    }
}

static const char *
setcluster_decode(um_words_t *w, um_str_t announce_host, um_topo_t *t,
    um_topo_build_t *b, um_setcluster_t *out)
{
    um_str_t word;
    uint64_t epoch;
    const char *error;
    bool compress;

    if (!um_words_take(w, &word)) {
        return UM_SETCLUSTER_BAD_ARGS;
    }

    if (!um_str_eq(word, um_lit("v2"))) {
        return "Failed to parse args: InvalidVersion";
    }

    if (!um_words_take_number(w, &epoch) || !um_words_take(w, &word)) {
        return UM_SETCLUSTER_BAD_ARGS;
    }

    um_setcluster_flags(word, &out->force, &compress);
    if (!compress) {
        error = um_setcluster_words(w, b, t, &out->config_ignored);
    } else if (um_words_take(w, &word)) {
        error = packed_decode(word, b, t);
    } else {
        error = UM_SETCLUSTER_BAD_ARGS;
    }

    /* The builder knows better what is wrong. */
    if (um_topo_build_error(b) != NULL) {
        error = um_topo_build_error(b);
    }

    if (error != NULL) {
        return error;
    }

    um_topo_build_finish(b);
    t->epoch = epoch;
    return locals_are_mine(t, announce_host) ? NULL : "ERR_NOT_MY_META";
}

um_rc_t
um_setcluster_decode(const um_str_t *argv, uint32_t argc,
    um_str_t announce_host, um_topo_t *t, um_setcluster_t *out)
{
    um_words_t w = { argv, argv + argc };
    um_topo_build_t *b = um_topo_build_new(t);

    memset(out, 0, sizeof(*out));
    out->error = b == NULL ? "out of memory"
                           : setcluster_decode(&w, announce_host, t, b, out);

    um_topo_build_free(b);
    return out->error == NULL ? UM_OK : UM_DECLINED;
}
