/*
 * proxies.c -- the proxies that there are, sorted by address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coord.h"
#include "core/um_log.h"
#include "core/um_str.h"

/* Bytes of an answer, which is that of INFOMGR at most. */
#define REPLY_MAX ((size_t) 4 << 20)

/* Where it is, or would be. */
static uint32_t
proxies_at(const coord_t *co, const char *address, bool *there)
{
    uint32_t low = 0, high = co->proxies;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = strcmp(co->proxy[mid]->address, address);

        if (order == 0) {
            *there = true;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }

    *there = false;
    return low;
}

coord_proxy_t *
proxies_find(const coord_t *co, const char *address)
{
    bool there;
    uint32_t i = proxies_at(co, address, &there);

    return there ? co->proxy[i] : NULL;
}

static um_talk_t *
proxy_talk(coord_t *co, const um_addr_t *addr)
{
    const um_talk_conf_t conf = {
        .user = co->conf->proxy_user,
        .password = co->conf->proxy_password,
        .connect_timeout = co->conf->look_timeout,
        .reply_max = REPLY_MAX,
        .commands_max = 16,
        .names = co->names,
    };

    return um_talk_new(co->loop, addr, &conf);
}

static coord_proxy_t *
proxy_new(coord_t *co, const char *address)
{
    coord_proxy_t *p = calloc(1, sizeof(*p));
    um_addr_t addr;
    const char *wrong = um_addr_parse(&addr, um_str_of(address));

    if (wrong != NULL || p == NULL) {
        um_log_error(p == NULL ? ENOMEM : 0, "proxy %s: %s", address,
            wrong != NULL ? wrong : "cannot be watched");
        free(p);
        return NULL;
    }

    p->co = co;
    snprintf(p->address, sizeof(p->address), "%s", address);
    p->talk = proxy_talk(co, &addr);
    if (p->talk == NULL || beat_init(p) != UM_OK) {
        um_talk_free(p->talk);
        free(p);
        return NULL;
    }

    return p;
}

um_talk_t *
proxy_new_talk(coord_proxy_t *p)
{
    return proxy_talk(p->co, um_talk_addr(p->talk));
}

void
proxy_end_talk(coord_proxy_t *p, um_talk_t **talk)
{
    if (*talk != NULL) {
        um_talk_bytes_t b = um_talk_bytes(*talk);

        p->co->bytes.sent += b.sent;
        p->co->bytes.received += b.received;
        um_talk_free(*talk);
        *talk = NULL;
    }
}

static void
proxy_free(coord_proxy_t *p)
{
    p->hanging_up = true;
    beat_deinit(p);
    proxy_end_talk(p, &p->look);
    proxy_end_talk(p, &p->talk);
    free(p);
}

static um_rc_t
proxies_grow(coord_t *co)
{
    uint32_t room = co->room == 0 ? 64 : co->room * 2;
    coord_proxy_t **more;

    if (co->proxies < co->room) {
        return UM_OK;
    }

    more = realloc(co->proxy, room * sizeof(*more));
    if (more == NULL) {
        um_log_error(ENOMEM, "proxies");
        return UM_ERR;
    }

    co->proxy = more;
    co->room = room;
    return UM_OK;
}

coord_proxy_t *
proxies_need(coord_t *co, const char *address)
{
    bool there;
    uint32_t i = proxies_at(co, address, &there);
    coord_proxy_t *p;

    if (there) {
        return co->proxy[i];
    }

    if (proxies_grow(co) != UM_OK) {
        return NULL;
    }

    p = proxy_new(co, address);
    if (p == NULL) {
        return NULL;
    }

    memmove(&co->proxy[i + 1], &co->proxy[i],
        (co->proxies - i) * sizeof(*co->proxy));
    co->proxy[i] = p;
    co->proxies++;
    return p;
}

void
proxies_remove(coord_t *co, uint32_t i)
{
    um_log_notice(0, "proxy %s: is registered no more", co->proxy[i]->address);
    proxy_free(co->proxy[i]);
    co->proxies--;
    memmove(&co->proxy[i], &co->proxy[i + 1],
        (co->proxies - i) * sizeof(*co->proxy));
}

void
proxies_free(coord_t *co)
{
    for (uint32_t i = 0; i < co->proxies; i++) {
        proxy_free(co->proxy[i]);
    }
    free(co->proxy);
    co->proxy = NULL;
    co->proxies = 0;
}

um_talk_bytes_t
proxies_bytes(const coord_t *co)
{
    um_talk_bytes_t sum = co->bytes;

    for (uint32_t i = 0; i < co->proxies; i++) {
        um_talk_bytes_t b = um_talk_bytes(co->proxy[i]->talk);

        sum.sent += b.sent;
        sum.received += b.received;
    }

    return sum;
}
