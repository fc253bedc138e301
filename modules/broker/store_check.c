/*
 * store_check.c -- which hosts could not be lost: tried on a copy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

/* The host is gone: its spares first, they replace nobody; then each of its
 * proxies that a cluster has. */
static store_rc_t
lose_host(store_t *s, const store_env_t *e, uint32_t host)
{
    store_rc_t rc = STORE_OK;

    for (uint32_t i = 0; i < s->proxies; i++) {
        store_proxy_t *p = &s->proxy[i];

        if (p->ident != NULL && p->host == host && p->cluster == STORE_NONE) {
            p->failed = true;
        }
    }
    for (uint32_t i = 0; i < s->proxies && rc == STORE_OK; i++) {
        const store_proxy_t *p = &s->proxy[i];
        um_str_t heir;

        if (p->ident != NULL && p->host == host && p->cluster != STORE_NONE) {
            rc = store_failover(s, e, p->ident->address, &heir);
        }
    }
    return rc;
}

store_rc_t
store_check(const store_t *s, const store_env_t *e, um_sbuf_t *out)
{
    const char *comma = "";

    um_sbuf_addz(out, "{\"hosts_cannot_fail\":[");
    for (uint32_t i = 0; i < s->by_host.n; i++) {
        uint32_t host = s->by_host.at[i];
        store_t *t = store_copy(s);
        store_rc_t rc = t == NULL ? STORE_NO_MEMORY : lose_host(t, e, host);

        store_free(t);
        if (rc == STORE_NO_AVAILABLE_RESOURCE) {
            um_sbuf_addz(out, comma);
            store_json_str(out, store_text(s->host[host].name));
            comma = ",";
        } else if (rc != STORE_OK) {
            return rc;
        }
    }
    um_sbuf_addz(out, "]}");
    return out->failed ? STORE_NO_MEMORY : STORE_OK;
}
