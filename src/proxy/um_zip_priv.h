/*
 * um_zip_priv.h -- between um_zip.c, which does it in the turn, and
 * um_zip_job.c, which does it on a helper thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ZIP_PRIV_H
#define UM_ZIP_PRIV_H

#include "proxy/um_zip.h"
#include "resp/um_zip_text.h"

struct um_zip_s {
    um_worker_t *w;
    um_zstd_t zstd;
    um_sbuf_t text;  /* a command or reply being made */
    um_sbuf_t flat;  /* a reply that came in pieces   */
    um_jobs_t *jobs; /* made when first needed        */
    uint64_t turn_ns;
    uint64_t spent; /* bytes unpacked in this turn */
};

/* Pack the words (borrowed) of `r` and send it.  `r` is taken. */
void um_zip_pack_later(
    um_req_t *r, const um_str_t *argv, uint32_t argc, um_zip_rule_t rule);

/*
 * Unpack the rest of a reply and answer `r` (taken) with it: what is left of
 * `u` (borrowed), behind u->out (its bytes are taken, it is empty then); or, if
 * `u` is NULL, all of r->reply.
 */
void um_zip_unpack_later(um_req_t *r, um_unzip_t *u);

/* One with nothing but its limits: a client could not have sent a longer value,
 * and would be closed for a longer reply. */
um_unzip_t um_zip_unzip(const um_worker_t *w);

/* Answer with what um_unzip() said. */
void um_zip_fail(um_req_t *r, um_rc_t rc);

void um_zip_count_packed(
    const um_worker_t *w, um_zip_rule_t rule, uint32_t argc);
void um_zip_count_unpacked(const um_worker_t *w, const um_unzip_t *u);

#endif /* UM_ZIP_PRIV_H */
