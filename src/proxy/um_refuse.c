/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_refuse.h"

#include <ctype.h>
#include <string.h>

#include "core/um_str.h"
#include "proxy/um_client.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_worker.h"
#include "resp/um_cmd_foreign.h"

/* Redis quotes at most so much of what it did not understand. */
#define QUOTE_MAX 128

um_rc_t
um_refuse_text(um_req_t *r, const char *text)
{
    if (r != NULL) {
        um_req_error(r, "%s", text);
    }
    return UM_OK;
}

um_rc_t
um_refuse_memory(um_req_t *r)
{
    return um_refuse_text(r, "ERR out of memory");
}

um_rc_t
um_refuse_noauth(um_req_t *r)
{
    return um_refuse_text(r, "NOAUTH Authentication required.");
}

um_rc_t
um_refuse_control_only(um_req_t *r)
{
    return um_refuse_text(r, "ERR this address is for control, not for data");
}

um_rc_t
um_refuse_crossslot(um_req_t *r)
{
    return um_refuse_text(
        r, "CROSSSLOT Keys in request don't hash to the same slot");
}

um_rc_t
um_refuse_arity(um_req_t *r)
{
    if (r != NULL) {
        um_req_error(
            r, "ERR wrong number of arguments for '%s' command", r->cmd->name);
    }
    return UM_OK;
}

um_rc_t
um_refuse_unsupported(um_req_t *r)
{
    if (r == NULL) {
        return UM_OK;
    }

    um_stat_add(r->w->row, UM_STAT_COMMANDS_REFUSED, 1);
    um_req_error(r, "ERR command '%s' is not supported%s%s", r->cmd->name,
        r->cmd->why == NULL ? "" : ": ",
        r->cmd->why == NULL ? "" : r->cmd->why);
    return UM_OK;
}

um_rc_t
um_refuse_unknown(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_sbuf_t args = { 0 };

    if (r == NULL) {
        return UM_OK;
    }

    for (uint32_t i = 1; i < argc && args.len < QUOTE_MAX; i++) {
        um_sbuf_addf(&args, "'%.*s' ",
            (int) um_min(argv[i].len, QUOTE_MAX - args.len), argv[i].data);
    }

    um_req_error(r, "ERR unknown command '%.*s', with args beginning with: %s",
        (int) um_min(argv[0].len, (size_t) QUOTE_MAX), argv[0].data,
        um_sbuf_cstr(&args));
    um_sbuf_deinit(&args);
    return UM_OK;
}

um_rc_t
um_refuse_arity_or_sub(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    char name[64];
    size_t n = 0;

    if (r == NULL) {
        return UM_OK;
    }

    if (!(r->cmd->flags & UM_CMD_CONTAINER) || argc < 2) {
        return um_refuse_arity(r);
    }

    while (n < sizeof(name) - 1 && r->cmd->name[n] != '\0') {
        name[n] = (char) toupper((unsigned char) r->cmd->name[n]);
        n++;
    }
    name[n] = '\0';

    um_req_error(r, "ERR unknown subcommand '%.*s'. Try %s HELP.",
        (int) um_min(argv[1].len, (size_t) QUOTE_MAX), argv[1].data, name);
    return UM_OK;
}

void
um_dispatch_refuse(um_req_t *r, um_verdict_t v, uint16_t slot)
{
    um_worker_t *w = r->w;

    switch (v.go) {
    case UM_GO_MOVED:
        um_stat_add(w->row, UM_STAT_COMMANDS_MOVED, 1);
        um_req_error(r, "MOVED %u %.*s", slot,
            um_str_fmt(um_topo_str(w->topo, w->topo->addr[v.addr].name)));
        return;

    case UM_GO_ELSEWHERE:
        um_stat_add(w->row, UM_STAT_COMMANDS_MOVED, 1);
        um_req_error(r, "MOVED %u %s", slot, w->conf->default_redirection.text);
        return;

    case UM_GO_NOWHERE:
        um_req_error(r, "CLUSTERDOWN Hash slot not served");
        return;

    case UM_GO_DOWN:
        um_req_error(r, "CLUSTERDOWN The cluster is down");
        return;

    case UM_GO_TOO_FAR:
        um_req_error(r, "ERR_TOO_MANY_REDIRECTIONS");
        return;

    case UM_GO_LOCAL:
    case UM_GO_PEER:
        break;
    }

    um_assert(v.go == UM_GO_MOVED);
}

const um_cmd_t *
um_cmd_lookup(um_worker_t *w, const um_str_t *argv, uint32_t argc)
{
    const um_cmd_t *cmd = um_cmd_find(argv, argc);

    return um_likely(cmd != NULL) ? cmd
                                  : um_cmd_foreign_find(w->foreign, argv[0]);
}
