/*
 * um_zip.h -- values of strings packed on their way to a Redis of ours, and
 * unpacked on their way back (compression_strategy of the cluster).
 *
 * The proxy that speaks to the Redis does both, never one that forwards: what
 * goes between proxies is plain.  The reference packs on both sides; so that
 * nothing is packed twice our UMFORWARD says "03" instead of "3" for "not
 * packed yet", which the reference reads as 3, and with any other counter a
 * value that is a frame already is stored as it is.
 *
 * What takes longer than a turn may last is done on a helper thread, while the
 * request is held.  A command whose values are packed there goes alone, with
 * the barrier of big requests; a reply just comes later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ZIP_H
#define UM_ZIP_H

#include "proxy/um_route.h"
#include "proxy/um_worker.h"
#include "resp/um_zip_rule.h"

um_zip_t *um_zip_new(um_worker_t *w); /* NULL: out of memory */

/* All clients have been killed. */
void um_zip_free(um_zip_t *zip);

static inline bool
um_zip_is_on(const um_worker_t *w)
{
    return w->topo->compression != UM_COMPRESS_OFF;
}

/* The rule of the present strategy; zero when compression is off. */
um_zip_rule_t um_zip_rule_now(const um_worker_t *w, const um_cmd_t *cmd,
    const um_str_t *argv, uint32_t argc);

/* Does a command of `size` bytes have to go alone, with the barrier? */
bool um_zip_is_big(
    const um_worker_t *w, const um_cmd_t *cmd, uint32_t argc, size_t size);

/*
 * `r` goes to a local node: see that its values are packed, now or on a thread,
 * and that its reply will be unpacked.  UM_OK: it has been taken, and is sent
 * or answered.  UM_DECLINED: it has no values; send it as it is.
 */
UM_MUSTCHECK um_rc_t um_zip_send(um_req_t *r, um_verdict_t v,
    const um_str_t *argv, uint32_t argc, um_zip_rule_t rule);

/* Bytes of the reply of a request with UM_HOOK_UNZIP.  False: there is nothing
 * to unpack, answer with them; the hook is gone. */
bool um_zip_reply(um_req_t *r, const char *data, size_t len, bool last);

#endif /* UM_ZIP_H */
