/* SPDX-License-Identifier: Apache-2.0 */

#include "lin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What one machine has time and memory for. */
#define FRONT_LIMIT  20000
#define SEARCH_LIMIT 4000000

/* Operations that are told before the one that cannot be. */
#define TOLD 24

lin_verdict_t
lin_judge(const lin_hist_t *h, lin_why_t *why)
{
    lin_verdict_t v = lin_front(h, FRONT_LIMIT, why);

    if (v == LIN_UNDECIDED) {
        why->op = NULL;
        v = lin_search(h, SEARCH_LIMIT);
    }
    return v;
}

static void
tell_op(const lin_op_t *op, const char *mark)
{
    printf(
        "  %s client %-4u %.6f .. ", mark, op->client, (double) op->inv / 1e9);
    if (lin_op_is_open(op)) {
        printf("?  ");
    } else {
        printf("%.6f  ", (double) op->ret / 1e9);
    }
    for (unsigned i = 0; i < op->argc; i++) {
        printf("%.*s ", (int) op->argv[i].len, op->argv[i].data);
    }
    printf("-> %.*s\n", lin_op_is_open(op) ? 7 : (int) op->reply.len,
        lin_op_is_open(op) ? "UNKNOWN" : op->reply.data);
}

/* The last ones that began before `op` ended, and what is still open; and
 * those that saw, or wrote, what it says. */
void
lin_tell(const lin_hist_t *h, const lin_why_t *why)
{
    const lin_op_t *op = why->op;
    uint32_t at, from;

    printf("group %.*s: not linearizable, %u operations\n", (int) h->group.len,
        h->group.data, h->n);
    if (op == NULL) {
        printf("  (found by the search, which cannot tell where)\n");
        return;
    }

    at = (uint32_t) (op - h->op);
    while (at + 1 < h->n && h->op[at + 1].inv <= op->ret) {
        at++;
    }
    from = at < TOLD ? 0 : at - TOLD;
    printf("  seconds of the monotonic clock; > has no place, ~ unknown, "
           "| under way with it\n");
    for (uint32_t i = 0; i <= at; i++) {
        const lin_op_t *o = &h->op[i];

        if (o == op) {
            tell_op(o, ">");
        } else if (lin_op_is_open(o) && !(o->cmd->flags & LIN_READ)) {
            tell_op(o, "~");
        } else if (i >= from) {
            tell_op(o, o->ret >= op->inv ? "|" : " ");
        }
    }
    printf("  before those under way the keys could be, of %u possibilities:\n",
        why->states);
    for (unsigned i = 0; i < why->states && i < 8; i++) {
        printf("   %s\n", why->before[i]);
    }
}
