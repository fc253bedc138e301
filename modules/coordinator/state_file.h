/*
 * state_file.h -- brokers that were set by CONFIG SET, kept over restarts.
 *
 *     undermoon coordinator 1
 *     configured 127.0.0.1:7799
 *     brokers 10.0.0.1:7799,10.0.0.2:7799
 *
 * They count for as long as the configuration says what it said then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATE_FILE_H
#define STATE_FILE_H

#include "core/um_sbuf.h"

/*
 * The brokers in `text` to `out`.  UM_DECLINED: they were set when something
 * else was configured.  UM_ERR: it is no such file; not logged.
 */
UM_MUSTCHECK um_rc_t state_parse(
    um_str_t text, um_str_t configured, um_sbuf_t *out);

void state_format(um_str_t configured, um_str_t brokers, um_sbuf_t *out);

/* Read it.  UM_DECLINED: there is none.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t state_load(const char *path, um_sbuf_t *out);

/* Replace it, so that it is on the disk as a whole or not at all; its folder
 * is made when only that is missing.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t state_save(const char *path, um_str_t text);

#endif /* STATE_FILE_H */
