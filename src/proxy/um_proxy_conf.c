/*
 * The setters of the proxy block that are its own, and what its directives
 * must say together.  The table is in um_proxy_table.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_proxy_conf.h"

#include "core/um_pool.h"
#include "core/um_str.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define PROXY_NO_MEMORY    "cannot be stored: out of memory"
#define PROXY_REDIRECTIONS 4 /* as the reference caps it */

/* ms.  A coordinator vouches every half a second, unless told otherwise. */
#define PROXY_LEASE_MIN   1000
#define PROXY_LEASE_SHORT 2000

/* A copy of `list` with room for one more, or NULL. */
static void *
proxy_grow(um_conf_cx_t *cx, const void *list, uint32_t count, size_t more,
    size_t size)
{
    void *grown = um_pool_array(cx->pool, count + more, size);

    if (grown != NULL && count > 0) {
        memcpy(grown, list, count * size);
    }

    return grown;
}

const char *
um_proxy_set_listen(
    um_conf_cx_t *cx, const um_directive_t *d UM_UNUSED, void *conf)
{
    um_proxy_conf_t *px = conf;
    um_listen_conf_t *list =
        proxy_grow(cx, px->listen, px->listen_count, 1, sizeof(*list));
    um_listen_conf_t *l;
    const char *wrong;

    if (list == NULL) {
        return PROXY_NO_MEMORY;
    }

    l = &list[px->listen_count];
    wrong = um_addr_parse(&l->addr, um_str_of(cx->arg[0]));
    if (wrong != NULL) {
        return wrong;
    }

    if (cx->argc == 2 && strcmp(cx->arg[1], "control") != 0) {
        cx->about = cx->arg[1];
        return "is not \"control\"";
    }

    l->control = cx->argc == 2;
    px->listen = list;
    px->listen_count++;
    return NULL;
}

/* All addresses of a name as networks of one machine each. */
static const char *
proxy_allow_name(um_conf_cx_t *cx, um_proxy_conf_t *px, const char *name)
{
    struct addrinfo ask = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    uint32_t n = 0;
    int err;

    if (cx->hermetic) {
        return "is a name, and names cannot be looked up";
    }

    err = getaddrinfo(name, NULL, &ask, &found);
    if (err != 0) {
        return um_conf_phrase(cx, "cannot be looked up: %s", gai_strerror(err));
    }

    for (const struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next) {
        n++;
    }

    px->control_allow = proxy_grow(cx, px->control_allow,
        px->control_allow_count, n, sizeof(*px->control_allow));

    for (const struct addrinfo *ai = found;
         px->control_allow != NULL && ai != NULL; ai = ai->ai_next)
    {
        um_cidr_t *c = &px->control_allow[px->control_allow_count];
        const void *sa = ai->ai_addr;

        if (ai->ai_family == AF_INET) {
            memcpy(c->bytes, &((const struct sockaddr_in *) sa)->sin_addr, 4);
            c->bits = 32;
        } else if (ai->ai_family == AF_INET6) {
            memcpy(
                c->bytes, &((const struct sockaddr_in6 *) sa)->sin6_addr, 16);
            c->bits = 128;
        } else {
            continue;
        }
        c->family = (uint8_t) ai->ai_family;
        px->control_allow_count++;
    }

    freeaddrinfo(found);
    return px->control_allow != NULL ? NULL : PROXY_NO_MEMORY;
}

/* Could it be a host's name?  Else the phrase about networks is better. */
static bool
proxy_is_name(const char *text)
{
    size_t n = strspn(text,
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    return text[n] == '\0' && n > 0 && n <= 253
           && text[strspn(text, "0123456789.")] != '\0';
}

const char *
um_proxy_set_allow(
    um_conf_cx_t *cx, const um_directive_t *d UM_UNUSED, void *conf)
{
    um_proxy_conf_t *px = conf;
    um_cidr_t cidr;
    const char *wrong;

    for (uint32_t i = 0; i < cx->argc; i++) {
        cx->about = cx->arg[i];

        if (strcmp(cx->arg[i], "none") == 0) {
            if (cx->argc > 1) {
                return "stands alone";
            }
            continue;
        }

        wrong = um_cidr_parse(&cidr, um_str_of(cx->arg[i]));
        if (wrong != NULL && proxy_is_name(cx->arg[i])) {
            wrong = proxy_allow_name(cx, px, cx->arg[i]);
        } else if (wrong == NULL) {
            um_cidr_t *list = proxy_grow(cx, px->control_allow,
                px->control_allow_count, 1, sizeof(*list));

            if (list == NULL) {
                return PROXY_NO_MEMORY;
            }
            list[px->control_allow_count++] = cidr;
            px->control_allow = list;
        }

        if (wrong != NULL) {
            return wrong;
        }
    }

    return NULL;
}

static const char *
proxy_command_keys(um_conf_cx_t *cx, um_command_conf_t *c, uint32_t numbers)
{
    int64_t *const field[] = { &c->first, &c->last, &c->step };

    for (uint32_t i = 0; i < numbers; i++) {
        cx->about = cx->arg[1 + i];
        if (um_str_to_i64(um_str_of(cx->about), field[i]) != UM_OK
            || *field[i] < -1024 || *field[i] > 1024)
        {
            return "is not a position, -1024 to 1024";
        }
    }

    cx->about = cx->arg[0];
    if (numbers < 2) {
        c->last = c->first;
    }
    if (numbers < 3) {
        c->step = c->first > 0 ? 1 : 0;
    }

    if (c->first == 0) {
        return c->last == 0 && c->step == 0
                   ? NULL
                   : "has no first key, so LAST and STEP must be 0";
    }

    if (c->first < 0 || (c->last >= 0 && c->last < c->first) || c->step < 1) {
        return "needs FIRST from 1 on, LAST not before it, STEP from 1 on";
    }

    return NULL;
}

const char *
um_proxy_set_command(
    um_conf_cx_t *cx, const um_directive_t *d UM_UNUSED, void *conf)
{
    um_proxy_conf_t *px = conf;
    um_command_conf_t *list;
    um_command_conf_t c = { 0 };
    uint32_t numbers = cx->argc - 1;
    size_t len = strlen(cx->arg[0]);
    const char *wrong;

    c.write = strcmp(cx->arg[cx->argc - 1], "write") == 0;
    if (c.write) {
        numbers--;
    }

    if (numbers < 1 || numbers > 3) {
        return "needs FIRST [LAST [STEP]], positions of its keys";
    }

    if (len == 0 || len > 64
        || cx->arg[0][strspn(cx->arg[0],
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               "0123456789._-")]
               != '\0')
    {
        return "is no name of a command";
    }

    wrong = proxy_command_keys(cx, &c, numbers);
    if (wrong != NULL) {
        return wrong;
    }

    c.name = um_pool_strdup(cx->pool, (um_str_t){ cx->arg[0], len });
    list = proxy_grow(cx, px->command, px->command_count, 1, sizeof(*list));
    if (list == NULL || c.name == NULL) {
        return PROXY_NO_MEMORY;
    }

    list[px->command_count++] = c;
    px->command = list;
    return NULL;
}

const char *
um_proxy_set_nodes_version(
    um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    um_proxy_conf_t *px = conf;
    um_directive_t plain = *d;
    int32_t version = 2;
    const char *wrong;

    plain.offset = 0;
    wrong = um_set_enum(cx, &plain, &version);
    px->nodes_v1 = version == 1;
    return wrong;
}

static const char *
proxy_check_listen(um_conf_cx_t *cx, um_proxy_conf_t *px)
{
    const um_listen_conf_t *data = NULL;

    for (uint32_t i = 0; i < px->listen_count; i++) {
        const um_listen_conf_t *l = &px->listen[i];

        if (data == NULL && !l->control) {
            data = l;
        }

        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(l->addr.text, px->listen[j].addr.text) == 0) {
                return um_conf_phrase(
                    cx, "listen: \"%.64s\" is named twice", l->addr.text);
            }
        }
    }

    if (data == NULL) {
        return "has only control listeners, so nobody could be served";
    }

    if (px->announce.text[0] == '\0') {
        px->announce = data->addr;
    }

    if (px->announce.kind == UM_ADDR_UNIX
        && um_conf_is_set(cx->cf, "proxy", "announce_address"))
    {
        return "announce_address: peers and clients need host:port";
    }

    return NULL;
}

static const char *
proxy_check_limits(um_conf_cx_t *cx, const um_proxy_conf_t *px)
{
    if (px->max_request < px->max_bulk) {
        return "max_request is less than max_bulk";
    }

    if (px->buffer_memory < px->client_output_limit) {
        return "buffer_memory is less than client_output_limit";
    }

    if (px->backend_user != NULL && px->backend_password == NULL) {
        return "backend_user needs backend_password";
    }

    if (px->peer_password != NULL && px->password == NULL) {
        um_conf_notice(cx, "peer_password is used although password is not "
                           "set here: peers have one");
    }

    if (px->lease != 0 && px->lease < PROXY_LEASE_MIN) {
        return "lease is neither 0 nor at least 1s";
    }
    if (px->lease != 0 && px->lease < PROXY_LEASE_SHORT) {
        um_conf_notice(cx, "lease is less than 2s: it runs out whenever a "
                           "coordinator's beat is late");
    }

    return NULL;
}

const char *
um_proxy_conf_check(um_conf_cx_t *cx, void *conf)
{
    um_proxy_conf_t *px = conf;
    const char *wrong = proxy_check_listen(cx, px);

    if (wrong == NULL) {
        wrong = proxy_check_limits(cx, px);
    }

    if (px->max_redirections > PROXY_REDIRECTIONS) {
        um_conf_notice(cx, "max_redirections is capped at 4");
    }
    if (px->max_redirections == 0 || px->max_redirections > PROXY_REDIRECTIONS)
    {
        px->max_redirections = PROXY_REDIRECTIONS;
    }

    if (px->backend_batch_strategy != UM_BATCH_TURN) {
        um_conf_notice(cx, "backend_batch_strategy is accepted and has no "
                           "effect: batches follow the loop's turns");
    }

    if (px->peer_password == NULL) {
        px->peer_password = px->password;
    }

    return wrong;
}
