/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_subcmd.h"

#include "core/um_str.h"
#include "proxy/um_refuse.h"
#include "resp/um_put.h"

void
um_subcmd_run(um_req_t *r, const um_str_t *argv, uint32_t argc,
    const um_subcmd_t *subs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (um_str_ieq(argv[1], um_str_of(subs[i].name))) {
            subs[i].run(r, argv, argc);
            return;
        }
    }

    (void) um_refuse_unsupported(r);
}

void
um_subcmd_help(um_req_t *r, const char *name, const char *const *lines)
{
    um_sbuf_t *o = um_req_begin(r);
    size_t n = 0;

    while (lines[n] != NULL) {
        n++;
    }

    um_put_array(o, n + 3);
    um_sbuf_addf(o,
        "+%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n",
        name);

    for (size_t i = 0; i < n; i++) {
        um_put_simple(o, lines[i]);
    }

    um_put_simple(o, "HELP");
    um_put_simple(o, "    Prints this help.");
    um_req_end(r);
}
