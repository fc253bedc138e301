/* SPDX-License-Identifier: Apache-2.0 */

#include "net/um_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"

#define NS_PER_MS UINT64_C(1000000)

/* Belongs to its job, also when nobody wants it any more. */
typedef struct {
    um_resolve_t *r; /* NULL: not wanted */
    char host[254];
    char port[8];
    int err; /* of getaddrinfo() */
    um_resolved_t list[UM_RESOLVE_MAX];
    uint32_t count;
} lookup_t;

struct um_resolve_s {
    um_loop_t *loop;
    um_jobs_t *jobs;
    um_addr_t addr;
    um_resolve_pt on_done;
    void *data;
    lookup_t *lookup; /* under way, or NULL */
    um_resolved_t list[UM_RESOLVE_MAX];
    uint32_t count;
    uint64_t until_ns; /* they are believed; unused for an address */
};

um_resolve_t *
um_resolve_new(um_loop_t *loop, um_jobs_t *jobs, const um_addr_t *a,
    um_resolve_pt on_done, void *data)
{
    um_resolve_t *r = calloc(1, sizeof(*r));

    um_assert(a->kind != UM_ADDR_UNIX);
    um_assert(a->kind != UM_ADDR_NAME || jobs != NULL);
    if (r == NULL) {
        um_log_error(ENOMEM, "name %s", a->text);
        return NULL;
    }

    r->loop = loop;
    r->jobs = jobs;
    r->addr = *a;
    r->on_done = on_done;
    r->data = data;
    if (a->kind == UM_ADDR_IP) {
        r->list[0] = (um_resolved_t){ .sa = a->sa, .len = a->sa_len };
        r->count = 1;
    }

    return r;
}

void
um_resolve_free(um_resolve_t *r)
{
    if (r->lookup != NULL) {
        r->lookup->r = NULL;
    }
    free(r);
}

/* ---- A look-up ---------------------------------------------------------- */

static void
lookup_work(void *data)
{
    lookup_t *l = data;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *all;

    l->err = getaddrinfo(l->host, l->port, &hints, &all);
    if (l->err != 0) {
        return;
    }

    for (struct addrinfo *ai = all; ai != NULL && l->count < UM_RESOLVE_MAX;
         ai = ai->ai_next)
    {
        um_resolved_t *one = &l->list[l->count];

        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6) {
            continue;
        }
        memcpy(&one->sa, ai->ai_addr, ai->ai_addrlen);
        one->len = ai->ai_addrlen;
        l->count++;
    }
    freeaddrinfo(all);

    if (l->count == 0) {
        l->err = EAI_NONAME;
    }
}

static void
lookup_done(void *data)
{
    lookup_t *l = data;
    um_resolve_t *r = l->r;
    int err = l->err;

    if (r == NULL) {
        free(l);
        return;
    }

    r->lookup = NULL;
    if (err == 0) {
        memcpy(r->list, l->list, sizeof(r->list));
        r->count = l->count;
    } else if (r->count > 0) {
        /* The name server is away; what it said last has not failed yet. */
        um_log_warn(0, "name %s: %s; its last addresses are used", r->addr.text,
            gai_strerror(err));
        err = 0;
    }
    free(l);

    r->until_ns = um_loop_now(r->loop) + UM_RESOLVE_TTL * NS_PER_MS;
    r->on_done(r->data, err == 0 ? NULL : gai_strerror(err));
}

void
um_resolve_drop(void *lookup)
{
    lookup_t *l = lookup;

    if (l->r != NULL) {
        l->r->lookup = NULL;
    }
    free(l);
}

static um_rc_t
lookup_start(um_resolve_t *r)
{
    lookup_t *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        um_log_error(ENOMEM, "name %s", r->addr.text);
        return UM_ERR;
    }

    l->r = r;
    memcpy(l->host, r->addr.host, sizeof(l->host));
    (void) snprintf(l->port, sizeof(l->port), "%u", r->addr.port);

    r->lookup = l;
    if (um_jobs_add(r->jobs, lookup_work, lookup_done, l) != UM_OK) {
        um_log_error(0, "name %s: too many wait to be resolved", r->addr.text);
        r->lookup = NULL;
        free(l);
        return UM_ERR;
    }

    return UM_AGAIN;
}

/* ---- Answers ------------------------------------------------------------ */

um_rc_t
um_resolve_get(um_resolve_t *r, const um_resolved_t **list, uint32_t *count)
{
    if (r->addr.kind == UM_ADDR_NAME) {
        if (r->lookup != NULL) {
            return UM_AGAIN;
        }
        if (r->count == 0 || um_loop_now(r->loop) >= r->until_ns) {
            return lookup_start(r);
        }
    }

    *list = r->list;
    *count = r->count;
    return UM_OK;
}

void
um_resolve_distrust(um_resolve_t *r)
{
    if (r->addr.kind == UM_ADDR_NAME) {
        r->count = 0;
    }
}

/* ---- At once ------------------------------------------------------------ */

int
um_resolve_nth(
    const char *host, const char *port, uint32_t nth, um_resolved_t *out)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *all, *ai;
    uint32_t count = 0;
    int err = getaddrinfo(host, port, &hints, &all);

    if (err != 0) {
        return err;
    }

    for (ai = all; ai != NULL; ai = ai->ai_next) {
        count++;
    }

    ai = all;
    for (nth %= count; nth > 0; nth--) {
        ai = ai->ai_next;
    }

    memcpy(&out->sa, ai->ai_addr, ai->ai_addrlen);
    out->len = ai->ai_addrlen;
    freeaddrinfo(all);
    return 0;
}
