/* SPDX-License-Identifier: Apache-2.0 */

#include "mover/um_look.h"

#include <string.h>

#include "core/um_str.h"
#include "redis/um_reply.h"

/* Older versions count from 1970 where there never was a link. */
#define LOOK_AGES 1000000000

/* Up to here an offset says nothing. */
#define LOOK_NO_OFFSET 1

static void
look_text(um_str_t info, const char *name, char *out, size_t size)
{
    um_str_t v;

    out[0] = '\0';
    if (um_reply_info(info, name, &v) == UM_OK && v.len < size) {
        memcpy(out, v.data, v.len);
        out[v.len] = '\0';
    }
}

static uint64_t
look_number(um_str_t info, const char *name)
{
    uint64_t n;

    return um_reply_info_u64(info, name, &n) == UM_OK ? n : 0;
}

static bool
look_is(um_str_t info, const char *name, const char *value)
{
    um_str_t v;

    return um_reply_info(info, name, &v) == UM_OK
           && um_str_eq(v, um_str_of(value));
}

/* "7.0.15" */
static uint32_t
look_version(um_str_t info)
{
    uint32_t part[3] = { 0, 0, 0 };
    size_t i = 0;
    um_str_t v;

    if (um_reply_info(info, "redis_version", &v) != UM_OK) {
        return 0;
    }

    for (size_t k = 0; k < v.len && i < um_countof(part); k++) {
        char c = v.data[k];

        if (c == '.') {
            i++;
        } else if (c >= '0' && c <= '9') {
            part[i] = (part[i] * 10 + (uint32_t) (c - '0')) & 0xff;
        } else {
            break;
        }
    }

    return part[0] << 16 | part[1] << 8 | part[2];
}

/* "db0:keys=12,expires=0,avg_ttl=0" of all databases. */
static uint64_t
look_keys(um_str_t info)
{
    static const char before[] = ":keys=";
    const char *p = info.data, *end = info.data + info.len;
    uint64_t sum = 0;

    while ((p = memmem(p, (size_t) (end - p), before, sizeof(before) - 1))
           != NULL) {
        uint64_t n = 0;

        for (p += sizeof(before) - 1; p < end && *p >= '0' && *p <= '9'; p++) {
            n = n * 10 + (uint64_t) (*p - '0');
        }
        sum += n;
    }

    return sum;
}

/* What the link to its master was when it was last up; -1: it never was. */
static bool
look_never_linked(um_str_t info)
{
    um_str_t v;
    uint64_t n;

    if (um_reply_info(info, "master_link_down_since_seconds", &v) != UM_OK) {
        return false;
    }

    return um_str_to_u64(v, &n) != UM_OK || n > LOOK_AGES;
}

um_rc_t
um_look_parse(um_str_t info, um_look_t *l)
{
    um_str_t role;
    uint64_t port;

    memset(l, 0, sizeof(*l));
    if (um_reply_info(info, "role", &role) != UM_OK) {
        return UM_DECLINED;
    }

    look_text(info, "run_id", l->run_id, sizeof(l->run_id));
    look_text(info, "master_replid", l->replid, sizeof(l->replid));
    look_text(info, "master_replid2", l->replid2, sizeof(l->replid2));
    l->second_offset = look_number(info, "second_repl_offset");
    l->version = look_version(info);
    l->loading = look_is(info, "loading", "1");
    l->replicas = (uint32_t) look_number(info, "connected_slaves");
    l->keys = look_keys(info);
    l->master = um_str_eq(role, um_lit("master"));
    if (l->master) {
        l->offset = look_number(info, "master_repl_offset");
        return UM_OK;
    }

    look_text(info, "master_host", l->master_host, sizeof(l->master_host));
    port = look_number(info, "master_port");
    l->master_port = port <= UINT16_MAX ? (uint16_t) port : 0;
    l->link_up = look_is(info, "master_link_status", "up");
    l->never_linked = !l->link_up && look_never_linked(info);
    l->offset = look_number(info, "slave_repl_offset");
    return UM_OK;
}

static bool
is_history(const char *id, const um_look_t *of)
{
    return id[0] != '\0' && strspn(id, "0") != UM_LOOK_ID
           && (strcmp(id, of->replid) == 0 || strcmp(id, of->replid2) == 0);
}

bool
um_look_is_kin(const um_look_t *a, const um_look_t *b)
{
    return is_history(a->replid, b) || is_history(b->replid, a);
}

bool
um_look_is_heir(const um_look_t *a, const um_look_t *b)
{
    return a->master && b->master && is_history(a->replid2, b)
           && strcmp(a->replid2, b->replid) == 0;
}

bool
um_look_took_over(const um_look_t *a, const um_look_t *b)
{
    return um_look_is_heir(a, b) && a->second_offset != 0
           && a->offset >= a->second_offset;
}

/*
 * The offset stands at 0 where nothing was written since a replica came, at 1
 * in a replica that never had a master: then keys are all there is to compare.
 * Who has none though it has read far has seen them being deleted.
 */
bool
um_look_is_ahead(const um_look_t *a, const um_look_t *b)
{
    if (a->offset <= LOOK_NO_OFFSET && b->offset <= LOOK_NO_OFFSET) {
        return a->keys > b->keys && !um_look_is_kin(a, b);
    }

    return a->offset > b->offset && (a->keys > 0 || b->keys > 0);
}

static bool
is_same(const char *a, const char *b)
{
    return a[0] != '\0' && strspn(a, "0") != UM_LOOK_ID && strcmp(a, b) == 0;
}

bool
um_look_has_all(const um_look_t *a, const um_look_t *b)
{
    if (a->offset < b->offset) {
        return false;
    }

    if (is_same(a->replid, b->replid)) {
        return true;
    }

    /* Where one began a history of its own the other's must have ended. */
    return (is_same(a->replid, b->replid2) && b->offset < b->second_offset)
           || (is_same(a->replid2, b->replid) && b->offset < a->second_offset);
}

bool
um_look_is_orphan(const um_look_t *l)
{
    return !l->master && l->master_port == 0;
}

bool
um_look_is_blank(const um_look_t *l)
{
    return l->keys == 0 && l->offset <= LOOK_NO_OFFSET;
}
