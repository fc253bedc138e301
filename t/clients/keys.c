/*
 * keys.c -- what the command table says of calls: requests come in on stdin,
 * one line for each goes out:
 *
 *   how verdict [word flag,flag,... [word flag,flag,...] ...]
 *
 * how is that of um_how_t in lower case, verdict "ok", "declined", "arity" or
 * "unknown".  Words must have no blanks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "resp/um_cmd.h"
#include "resp/um_scan.h"

static const char *const how_name[] = { "forward", "keyless", "split", "self",
    "unsupported", "never" };

static const char *const flag_name[] = { "RO", "RW", "OW", "RM", "access",
    "update", "insert", "delete", "not_key", "incomplete", "variable_flags" };

static void
print_key(um_str_t word, unsigned flags)
{
    const char *between = " ";

    printf(" %.*s", um_str_fmt(word));
    for (unsigned i = 0; i < um_countof(flag_name); i++) {
        if (flags & 1u << i) {
            printf("%s%s", between, flag_name[i]);
            between = ",";
        }
    }
}

static int
answer(const um_args_t *args, um_keys_t *keys)
{
    const um_cmd_t *cmd = um_cmd_find(args->argv, args->argc);

    if (cmd == NULL) {
        puts("none unknown");
        return 0;
    }

    printf("%s ", how_name[cmd->how]);
    if (!um_cmd_arity_ok(cmd, args->argc)) {
        puts("arity");
        return 0;
    }

    switch (um_cmd_keys(cmd, args->argv, args->argc, keys)) {
    case UM_OK:
        fputs("ok", stdout);
        for (uint32_t i = 0; i < keys->count; i++) {
            print_key(args->argv[keys->key[i].pos], keys->key[i].flags);
        }

        puts("");
        return 0;

    case UM_DECLINED:
        puts("declined");
        return 0;

    default:
        return -1;
    }
}

/* All of stdin. */
static um_rc_t
read_all(um_sbuf_t *in)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
        um_sbuf_add(in, piece, (size_t) n);
    }

    return n == 0 && !in->failed ? UM_OK : UM_ERR;
}

int
main(void)
{
    const um_scan_limits_t lim = { 1000000, 1000000, 65536, false };
    um_sbuf_t in = { .data = NULL };
    um_keys_t keys = { .key = NULL };
    um_scan_t s = { .pos = 0 };
    size_t at = 0, used;
    const char *err;
    um_args_t args;

    um_args_init(&args);
    if (read_all(&in) != UM_OK) {
        return EXIT_FAILURE;
    }

    while (at < in.len) {
        if (um_scan_request(
                &s, &lim, in.data + at, in.len - at, &args, &used, &err)
                != UM_OK
            || answer(&args, &keys) != 0)
        {
            return EXIT_FAILURE;
        }

        at += used;
    }

    um_keys_deinit(&keys);
    um_args_deinit(&args);
    um_sbuf_deinit(&in);
    return EXIT_SUCCESS;
}
