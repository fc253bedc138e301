/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_client_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_addr.h"
#include "core/um_clock.h"
#include "core/um_str.h"

const char *
um_client_name_wrong(um_str_t name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '!' || name.data[i] > '~') {
            return "ERR Client names cannot contain spaces, newlines or "
                   "special characters.";
        }
    }

    return name.len < UM_CLIENT_NAME_MAX
               ? NULL
               : "ERR Client names cannot have more than 255 characters.";
}

um_rc_t
um_client_name_set(char **place, um_str_t name)
{
    char *copy = NULL;

    if (name.len > 0) {
        copy = malloc(name.len + 1);
        if (copy == NULL) {
            return UM_ERR;
        }

        memcpy(copy, name.data, name.len);
        copy[name.len] = '\0';
    }

    free(*place);
    *place = copy;

    return UM_OK;
}

static void
text_addr(const struct sockaddr *sa, socklen_t len, const um_client_t *c,
    char out[UM_CLIENT_ADDR_MAX])
{
    struct sockaddr_storage own;
    char path[UM_CLIENT_ADDR_MAX - 2];

    if (sa->sa_family != AF_UNIX) {
        um_addr_format(sa, len, out, UM_CLIENT_ADDR_MAX);
        return;
    }

    /* A client's end of a UNIX socket has no name: show ours, as Redis does. */
    len = sizeof(own);
    if (getsockname(c->io.fd, (struct sockaddr *) &own, &len) == -1) {
        own.ss_family = AF_UNIX;
        len = sizeof(own.ss_family);
    }

    um_addr_format((struct sockaddr *) &own, len, path, sizeof(path));
    snprintf(out, UM_CLIENT_ADDR_MAX, "%s:0",
        strncmp(path, "unix:", 5) == 0 ? path + 5 : path);
}

void
um_client_addr(const um_client_t *c, char out[UM_CLIENT_ADDR_MAX])
{
    text_addr((const struct sockaddr *) &c->peer, c->peer_len, c, out);
}

void
um_client_laddr(const um_client_t *c, char out[UM_CLIENT_ADDR_MAX])
{
    struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(own);

    if (getsockname(c->io.fd, (struct sockaddr *) &own, &len) == -1) {
        len = 0; /* it has just been closed */
    }

    text_addr((struct sockaddr *) &own, len, c, out);
}

static void
line_word(um_sbuf_t *o, const char *key, const char *value)
{
    um_sbuf_addz(o, key);
    um_sbuf_addz(o, value == NULL ? "" : value);
}

static void
line_number(um_sbuf_t *o, const char *key, uint64_t value)
{
    um_sbuf_addz(o, key);
    um_sbuf_add_u64(o, value);
}

static void
line_flags(um_sbuf_t *o, const um_client_t *c)
{
    size_t before;

    um_sbuf_addz(o, " flags=");
    before = o->len;

    if (c->blocked) {
        um_sbuf_addz(o, "b");
    }
    if (c->closing) {
        um_sbuf_addz(o, "c");
    }
    if (c->peer.ss_family == AF_UNIX) {
        um_sbuf_addz(o, "U");
    }
    if (c->st.readonly) {
        um_sbuf_addz(o, "r");
    }
    if (c->st.no_evict) {
        um_sbuf_addz(o, "e");
    }
    if (o->len == before) {
        um_sbuf_addz(o, "N");
    }
}

/*
 * The fields and their order are those of Redis 7.0, with lib-name and lib-ver
 * of 7.2 behind them.  Without printf: there may be ten thousand lines.
 */
void
um_client_line(um_sbuf_t *o, const um_client_t *c, uint64_t now_ns)
{
    char addr[UM_CLIENT_ADDR_MAX], laddr[UM_CLIENT_ADDR_MAX];
    uint64_t wall = um_clock_wall_us();
    uint64_t age = wall > c->st.created_us ? wall - c->st.created_us : 0;
    uint64_t idle = now_ns > c->last_ns ? now_ns - c->last_ns : 0;
    uint64_t waiting = c->out.len + c->held;

    um_client_addr(c, addr);
    um_client_laddr(c, laddr);

    line_number(o, "id=", c->st.id);
    line_word(o, " addr=", addr);
    line_word(o, " laddr=", laddr);
    line_number(o, " fd=", (uint64_t) um_max(c->io.fd, 0));
    line_word(o, " name=", c->st.name);
    line_number(o, " age=", age / 1000000);
    line_number(o, " idle=", idle / 1000000000);
    line_flags(o, c);
    um_sbuf_addz(o, " db=0 sub=0 psub=0 ssub=0 multi=-1");
    line_number(o, " qbuf=", c->in.len - c->in.off);
    line_number(o, " qbuf-free=", c->in.cap - c->in.len);
    um_sbuf_addz(o, " argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0");
    line_number(o, " oll=", waiting > 0 ? c->pending : 0);
    line_number(o, " omem=", waiting);
    line_number(o, " tot-mem=", um_client_memory(c));
    line_word(o, " events=", c->io.writing ? "rw" : "r");
    line_word(o, " cmd=", c->last_cmd == NULL ? "NULL" : c->last_cmd->name);
    line_number(o, " user=default redir=-1 resp=", c->st.proto);
    line_word(o, " lib-name=", c->st.lib_name);
    line_word(o, " lib-ver=", c->st.lib_ver);
    um_sbuf_addz(o, "\n");
}
