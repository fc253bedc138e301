/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "core/um_str.h"

static const char *
addr_parse_unix(um_addr_t *a, um_str_t path)
{
    struct sockaddr_un *un = (struct sockaddr_un *) &a->sa;

    if (path.len == 0) {
        return "has no path";
    }

    if (path.len >= sizeof(un->sun_path)) {
        return "has a path of more than 107 bytes";
    }

    if (memchr(path.data, '\0', path.len) != NULL) {
        return "has a NUL in its path";
    }

    a->kind = UM_ADDR_UNIX;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.data, path.len);
    a->sa_len =
        (socklen_t) (offsetof(struct sockaddr_un, sun_path) + path.len + 1);

    return NULL;
}

static bool
addr_is_name(um_str_t host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = um_char_lower(host.data[i]);

        /* '_' is no host name's letter, but container networks use it. */
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
                || c == '.' || c == '_'))
        {
            return false;
        }
    }

    return true;
}

/* Does the host stand for itself?  Then fill in `sa`. */
static bool
addr_fill_ip(um_addr_t *a, bool bracketed)
{
    struct sockaddr_in *in = (struct sockaddr_in *) &a->sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &a->sa;

    if (bracketed && inet_pton(AF_INET6, a->host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        a->sa_len = sizeof(*in6);
        return true;
    }

    if (!bracketed && inet_pton(AF_INET, a->host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        a->sa_len = sizeof(*in);
        return true;
    }

    return false;
}

/* The last ':' outside of brackets, or NULL. */
static const char *
addr_colon(um_str_t text)
{
    const char *at = memrchr(text.data, ':', text.len);
    const char *bracket = memrchr(text.data, ']', text.len);

    return at != NULL && bracket != NULL && bracket > at ? NULL : at;
}

const char *
um_addr_parse(um_addr_t *a, um_str_t text)
{
    um_str_t host, port;
    const char *colon;
    bool bracketed;
    uint64_t n;

    memset(a, 0, sizeof(*a));

    if (text.len == 0) {
        return "is empty";
    }

    if (text.len > UM_ADDR_TEXT_MAX) {
        return "is too long";
    }

    memcpy(a->text, text.data, text.len);

    if (text.len >= 5 && memcmp(text.data, "unix:", 5) == 0) {
        return addr_parse_unix(a, (um_str_t){ text.data + 5, text.len - 5 });
    }

    colon = addr_colon(text);
    if (colon == NULL) {
        return "has no port";
    }

    host = (um_str_t){ text.data, (size_t) (colon - text.data) };
    port = (um_str_t){ colon + 1, text.len - host.len - 1 };
    a->host_len = (uint16_t) host.len;

    if (um_str_to_u64(port, &n) != UM_OK || n == 0 || n > 65535) {
        return "has a port that is not a number from 1 to 65535";
    }

    a->port = (uint16_t) n;

    bracketed =
        host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (bracketed) {
        host = (um_str_t){ host.data + 1, host.len - 2 };
    }

    if (host.len == 0) {
        return "has no host";
    }

    if (host.len >= sizeof(a->host)) {
        return "has a host name of more than 253 characters";
    }

    memcpy(a->host, host.data, host.len);

    if (addr_fill_ip(a, bracketed)) {
        a->kind = UM_ADDR_IP;
        return NULL;
    }

    if (bracketed) {
        return "has brackets around what is no IPv6 address";
    }

    if (memchr(host.data, ':', host.len) != NULL) {
        return "has an IPv6 address without brackets";
    }

    return addr_is_name(host) ? NULL : "has a character that no host name has";
}

/* "1.2.3.4:5" without printf: CLIENT LIST prints thousands of them. */
static void
addr_format_v4(const struct sockaddr_in *in, char *out, size_t size)
{
    unsigned char ip[4];
    char text[24];
    size_t n = 0;

    memcpy(ip, &in->sin_addr, sizeof(ip));

    for (size_t i = 0; i < sizeof(ip); i++) {
        n += um_u64_format(ip[i], text + n);
        text[n++] = i < sizeof(ip) - 1 ? '.' : ':';
    }
    n += um_u64_format(ntohs(in->sin_port), text + n);

    if (size > 0) {
        n = um_min(n, size - 1);
        memcpy(out, text, n);
        out[n] = '\0';
    }
}

void
um_addr_format(const struct sockaddr *sa, socklen_t len, char *out, size_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *) sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) sa;
    const struct sockaddr_un *un = (const struct sockaddr_un *) sa;
    socklen_t head = offsetof(struct sockaddr_un, sun_path);
    char ip[INET6_ADDRSTRLEN];

    if (len < sizeof(sa->sa_family)) {
        snprintf(out, size, "unknown");
        return;
    }

    switch (sa->sa_family) {
    case AF_INET:
        addr_format_v4(in, out, size);
        break;

    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
        snprintf(out, size, "[%s]:%u", ip, ntohs(in6->sin6_port));
        break;

    case AF_UNIX: /* the client's end has no path */
        snprintf(out, size, "unix:%.*s",
            len > head ? (int) strnlen(un->sun_path, len - head) : 0,
            un->sun_path);
        break;

    default:
        snprintf(out, size, "unknown");
    }
}

static const uint8_t cidr_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* ::ffff:a.b.c.d is a.b.c.d, on either side of a comparison. */
static void
cidr_unmap(um_cidr_t *c)
{
    if (c->family == AF_INET6 && c->bits >= 96
        && memcmp(c->bytes, cidr_mapped, sizeof(cidr_mapped)) == 0)
    {
        memmove(c->bytes, c->bytes + 12, 4);
        c->family = AF_INET;
        c->bits = (uint8_t) (c->bits - 96);
    }
}

const char *
um_cidr_parse(um_cidr_t *c, um_str_t text)
{
    const char *slash = memchr(text.data, '/', text.len);
    char ip[INET6_ADDRSTRLEN];
    uint64_t bits = 0;
    size_t len = text.len;

    memset(c, 0, sizeof(*c));

    if (um_str_eq(text, um_lit("unix"))) {
        c->family = AF_UNIX;
        return NULL;
    }

    if (slash != NULL) {
        len = (size_t) (slash - text.data);
        if (um_str_to_u64((um_str_t){ slash + 1, text.len - len - 1 }, &bits)
            != UM_OK) {
            return "has a mask that is not a number of bits";
        }
    }

    if (len >= sizeof(ip)) {
        return "is no address";
    }

    memcpy(ip, text.data, len);
    ip[len] = '\0';

    if (inet_pton(AF_INET, ip, c->bytes) == 1) {
        c->family = AF_INET;
    } else if (inet_pton(AF_INET6, ip, c->bytes) == 1) {
        c->family = AF_INET6;
    } else {
        return "is no address";
    }

    if (slash == NULL) {
        bits = c->family == AF_INET ? 32 : 128;
    } else if (bits > (c->family == AF_INET ? 32 : 128)) {
        return "has a mask with more bits than the address";
    }

    c->bits = (uint8_t) bits;
    cidr_unmap(c);

    return NULL;
}

bool
um_cidr_match(const um_cidr_t *c, const struct sockaddr *sa)
{
    um_cidr_t a = { .family = (uint8_t) sa->sa_family };
    size_t whole = c->bits / 8;
    unsigned rest = c->bits % 8;

    if (sa->sa_family == AF_INET) {
        memcpy(a.bytes, &((const struct sockaddr_in *) sa)->sin_addr, 4);
        a.bits = 32;
    } else if (sa->sa_family == AF_INET6) {
        memcpy(a.bytes, &((const struct sockaddr_in6 *) sa)->sin6_addr, 16);
        a.bits = 128;
        cidr_unmap(&a);
    }

    if (a.family != c->family || memcmp(a.bytes, c->bytes, whole) != 0) {
        return false;
    }

    return rest == 0 || (a.bytes[whole] ^ c->bytes[whole]) >> (8 - rest) == 0;
}
