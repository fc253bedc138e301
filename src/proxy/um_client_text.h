/*
 * um_client_text.h -- what a client is called and how it is shown: names,
 * addresses, the line of CLIENT LIST.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_TEXT_H
#define UM_CLIENT_TEXT_H

#include "proxy/um_client.h"

/* "ip:port", "[v6]:port" or "path:0", with NUL. */
#define UM_CLIENT_ADDR_MAX 128

/* NULL, or the error (without '-') that Redis gives for such a name. */
const char *um_client_name_wrong(um_str_t name);

/*
 * Replace one of the names in c->st; an empty one takes it away.  The name has
 * been found right.  UM_ERR: out of memory, it is unchanged.
 */
UM_MUSTCHECK um_rc_t um_client_name_set(char **place, um_str_t name);

/* Where it comes from, and where it came to. */
void um_client_addr(const um_client_t *c, char out[UM_CLIENT_ADDR_MAX]);
void um_client_laddr(const um_client_t *c, char out[UM_CLIENT_ADDR_MAX]);

/* One line of CLIENT LIST, with its newline; `now_ns` is um_clock_ns(). */
void um_client_line(um_sbuf_t *o, const um_client_t *c, uint64_t now_ns);

#endif /* UM_CLIENT_TEXT_H */
