/*
 * um_future.h -- UMCTL DEBUG FUTURE: what all workers are about, in the
 * reference's form: clients' sessions and connections to nodes; migrations and
 * replicators when there are any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_FUTURE_H
#define UM_FUTURE_H

#include "proxy/um_bus.h"

/* Answer the questions of the other workers; once, before the first turn. */
void um_future_serve(um_bus_t *bus);

/*
 * A line, to be sorted by when it began (wall clock); `desc` is the reference's
 * "session: session_id=7 peer=127.0.0.1:5301".
 */
void um_future_put(um_sbuf_t *o, uint64_t since_us, uint64_t id,
    const char *fmt, ...) UM_PRINTF(4, 5);

/* Lines as um_future_put() makes them, sorted, as an array of bulks without
 * the key that they were sorted by.  UM_ERR: out of memory. */
UM_MUSTCHECK um_rc_t um_future_array(um_sbuf_t *o, um_str_t lines);

/* UMCTL DEBUG. */
void um_umctl_debug(um_req_t *r, const um_str_t *argv, uint32_t argc);

#endif /* UM_FUTURE_H */
