/*
 * store_proxy.c -- proxies come, go, and tell what they can; epochs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

#include "meta/um_utf8.h"

#include <string.h>

#define HOST_MAX 253

/* As the reference has it: one colon.  And what every reader can take. */
static bool
address_ok(um_str_t a)
{
    const char *colon;

    if (!store_text_ok(a, STORE_ADDR_MAX)) {
        return false;
    }
    colon = memchr(a.data, ':', a.len);
    if (colon == NULL || colon == a.data) {
        return false;
    }
    return memchr(colon + 1, ':', a.len - (size_t) (colon + 1 - a.data))
           == NULL;
}

/* A host is a label of the operator's: any text in UTF-8. */
static bool
host_ok(um_str_t h)
{
    if (h.len == 0 || h.len > HOST_MAX || !um_utf8_valid(h)) {
        return false;
    }
    for (size_t i = 0; i < h.len; i++) {
        if ((unsigned char) h.data[i] < ' ') {
            return false;
        }
    }
    return true;
}

bool
store_proxy_args_ok(const store_proxy_args_t *a)
{
    return address_ok(a->address) && host_ok(a->host)
           && store_text_ok(a->nodes[0], STORE_ADDR_MAX)
           && store_text_ok(a->nodes[1], STORE_ADDR_MAX)
           && (!a->has_index || a->index <= STORE_NUMBER_MAX);
}

store_rc_t
store_add_proxy(store_t *s, const store_proxy_args_t *args)
{
    store_proxy_args_t a = *args;
    uint32_t place;

    if (a.host.len == 0 && a.address.len > 0) {
        const char *colon = memchr(a.address.data, ':', a.address.len);

        if (colon != NULL) {
            a.host =
                (um_str_t){ a.address.data, (size_t) (colon - a.address.data) };
        }
    }
    if (!store_proxy_args_ok(&a)) {
        return STORE_INVALID_PROXY_ADDRESS;
    }
    if (s->ordered && !a.has_index) {
        return STORE_MISSING_SERVER_PROXY_INDEX;
    }

    place = store_find_proxy(s, a.address);
    if (place != STORE_NONE) {
        bool marked = store_reports_drop(s, a.address);

        if (marked || s->proxy[place].failed) {
            s->proxy[place].failed = false;
            store_bump(s);
        }
        return STORE_ALREADY_EXISTED;
    }

    if (store_enter_proxy(s, &a) == STORE_NONE) {
        return STORE_NO_MEMORY;
    }
    (void) store_reports_drop(s, a.address);
    store_bump(s);
    return STORE_OK;
}

store_rc_t
store_remove_proxy(store_t *s, um_str_t address)
{
    uint32_t place = store_find_proxy(s, address);

    if (place == STORE_NONE) {
        return STORE_PROXY_NOT_FOUND;
    }
    if (s->proxy[place].cluster != STORE_NONE) {
        return STORE_IN_USE;
    }

    (void) store_reports_drop(s, address);
    store_leave_proxy(s, place);
    store_bump(s);
    return STORE_OK;
}

um_rc_t
store_proxy(const store_t *s, size_t i, um_str_t *address)
{
    if (i >= s->by_address.n) {
        return UM_DONE;
    }
    *address = store_address(s, s->by_address.at[i]);
    return UM_OK;
}

store_rc_t
store_announce(store_t *s, um_str_t address, uint64_t protocol)
{
    uint32_t place = store_find_proxy(s, address);

    if (place == STORE_NONE) {
        return STORE_PROXY_NOT_FOUND;
    }

    protocol = um_min(protocol, STORE_NUMBER_MAX);
    if (s->proxy[place].protocol != protocol) {
        s->proxy[place].protocol = protocol;
        store_changed(s);
    }
    return STORE_OK;
}

/* Everything is at `epoch` now. */
static store_rc_t
epoch_set(store_t *s, uint64_t epoch)
{
    s->epoch = epoch;
    store_changed(s);
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        store_cluster_t *c = store_cluster_own(s, s->by_name.at[i]);

        if (c == NULL) {
            return STORE_NO_MEMORY;
        }
        c->epoch = epoch;
        c->stamp = s->serial;
    }
    return STORE_OK;
}

store_rc_t
store_set_epoch(store_t *s, uint64_t epoch)
{
    if (epoch > STORE_EPOCH_MAX) {
        return STORE_EPOCH_TOO_LARGE;
    }
    if (epoch <= s->epoch) {
        return STORE_EPOCH_SMALLER_THAN_CURRENT;
    }
    return epoch_set(s, epoch);
}

store_rc_t
store_recover_epoch(store_t *s, uint64_t seen)
{
    /* As far beyond as the reference goes. */
    if (seen > STORE_EPOCH_MAX - 2) {
        return STORE_EPOCH_TOO_LARGE;
    }
    return epoch_set(s, um_max(seen + 2, s->epoch + 1));
}

store_rc_t
store_seen(store_t *s, um_str_t address, uint64_t epoch)
{
    uint32_t place = store_find_proxy(s, address);
    store_cluster_t *c;

    if (place == STORE_NONE) {
        return STORE_PROXY_NOT_FOUND;
    }
    if (epoch <= store_proxy_key(s, address).epoch) {
        return STORE_OK;
    }
    if (epoch > s->epoch) {
        return store_recover_epoch(s, epoch);
    }

    /* A spare is told the global epoch: this one is in a cluster. */
    c = store_cluster_own(s, s->proxy[place].cluster);
    if (c == NULL) {
        return STORE_NO_MEMORY;
    }
    store_touch(s, c);
    return STORE_OK;
}
