/*
 * um_client_in.h -- bytes from a client, on their way to being commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_IN_H
#define UM_CLIENT_IN_H

#include "proxy/um_client.h"

/* Called by the loop: bytes have come in, or the client has gone. */
void um_client_on_readable(void *data);

/* Called at the end of a turn for a resumed client: start what its buffer
 * holds, and read on when nothing holds it up. */
void um_client_go_on(um_client_t *c);

/* Forget what was read and not yet started. */
void um_client_in_free(um_client_t *c);

#endif /* UM_CLIENT_IN_H */
