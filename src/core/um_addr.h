/*
 * um_addr.h -- addresses as people write them: "host:port", "[v6]:port",
 * "unix:/path".
 *
 * The text is kept as it was written, for it is what peers and clients are
 * told.  A host may be a name of up to 253 characters (RFC 1035); it is not
 * resolved here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ADDR_H
#define UM_ADDR_H

#include <sys/socket.h>

#include "core/um_base.h"

#define UM_ADDR_TEXT_MAX 263 /* "host:port" with the longest name, no NUL */

typedef enum {
    UM_ADDR_NAME, /* a name to resolve: host, port   */
    UM_ADDR_IP,   /* literal v4 or v6: `sa` is ready */
    UM_ADDR_UNIX, /* socket file: `sa` is ready      */
} um_addr_kind_t;

typedef struct {
    um_addr_kind_t kind;
    uint16_t port;                   /* host byte order; 0 for unix      */
    uint16_t host_len;               /* text[0..host_len) names the host */
    char text[UM_ADDR_TEXT_MAX + 1]; /* as written, NUL-terminated       */
    char host[254];                  /* without brackets, NUL-terminated */
    struct sockaddr_storage sa;      /* IP and UNIX                      */
    socklen_t sa_len;
} um_addr_t;

/* Parse `text`.  NULL, or what is wrong with it ("has no port"). */
const char *um_addr_parse(um_addr_t *a, um_str_t text);

/* Print a socket address as "1.2.3.4:5", "[::1]:5" or "unix:path". */
void um_addr_format(
    const struct sockaddr *sa, socklen_t len, char *out, size_t size);

/*
 * A network as in control_allow: an address, CIDR ("10.0.0.0/8", "fd00::/8"),
 * or "unix".  NULL or what is wrong.
 */
typedef struct {
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX */
    uint8_t bits;
    uint8_t bytes[16];
} um_cidr_t;

const char *um_cidr_parse(um_cidr_t *c, um_str_t text);

/* v4-mapped v6 addresses match their v4 networks. */
bool um_cidr_match(const um_cidr_t *c, const struct sockaddr *sa);

#endif /* UM_ADDR_H */
