/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_subcmd.h"

#include "core/um_str.h"
#include "resp/um_put.h"

/* Redis cuts what it quotes from a client at so many bytes. */
#define SUBCMD_QUOTED_MAX 128

static bool
subcmd_arity_ok(const um_subcmd_t *s, uint32_t argc)
{
    return s->arity >= 0 ? argc == (uint32_t) s->arity
                         : argc >= (uint32_t) -s->arity;
}

static void
subcmd_refuse(um_req_t *r, const um_str_t *argv)
{
    char name[32] = "";
    int quoted = (int) um_min(argv[1].len, SUBCMD_QUOTED_MAX);

    for (size_t i = 0; i < argv[0].len && i < sizeof(name) - 1; i++) {
        char c = um_char_lower(argv[0].data[i]);

        name[i] = (char) (c >= 'a' && c <= 'z' ? c & ~0x20 : c);
        name[i + 1] = '\0';
    }

    um_req_error(r, "ERR unknown subcommand '%.*s'. Try %s HELP.", quoted,
        argv[1].data, name);
}

void
um_subcmd_run(um_req_t *r, const um_str_t *argv, uint32_t argc,
    const um_subcmd_t *subs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const um_subcmd_t *s = &subs[i];

        if (!um_str_ieq(argv[1], um_str_of(s->name))) {
            continue;
        }

        if (subcmd_arity_ok(s, argc)) {
            s->run(r, argv, argc);
        } else {
            um_req_error(r,
                "ERR wrong number of arguments for '%.*s|%s' command",
                um_str_fmt(argv[0]), s->name);
        }
        return;
    }

    subcmd_refuse(r, argv);
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
