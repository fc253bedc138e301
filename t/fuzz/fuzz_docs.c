/*
 * fuzz_docs.c -- what a Redis may say to COMMAND DOCS get config xinfo.
 *
 * What is told of it must be one whole reply in either protocol; in RESP2 it
 * says, told once more, the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "core/um_str.h"
#include "proxy/um_docs_text.h"
#include "resp/um_reply_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_one_reply(const char *data, size_t len)
{
    um_reply_scan_t s = { .type = 0 };
    size_t used = 0;

    return len > 0 && um_reply_scan(&s, data, len, &used) == UM_OK
           && used == len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const um_cmd_t *cmds[] = {
        um_cmd_find_name(um_lit("get")),
        um_cmd_find_name(um_lit("config")),
        um_cmd_find_name(um_lit("xinfo")),
    };
    um_str_t reply = { (const char *) data, size };

    if (!is_one_reply(reply.data, size)) {
        return 0;
    }

    for (int proto = 2; proto <= 3; proto++) {
        um_sbuf_t once = { 0 }, twice = { 0 };
        um_str_t told;

        if (um_docs_put_from(&once, cmds, um_countof(cmds), reply, proto)
            == UM_OK) {
            um_assert(is_one_reply(once.data, once.len));
            told = (um_str_t){ once.data, once.len };
            um_assert(
                um_docs_put_from(&twice, cmds, um_countof(cmds), told, proto)
                == UM_OK);
            um_assert(um_str_eq(told, (um_str_t){ twice.data, twice.len }));
        }

        um_sbuf_deinit(&once);
        um_sbuf_deinit(&twice);
    }

    return 0;
}
