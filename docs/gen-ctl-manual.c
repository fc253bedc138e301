/*
 * gen-ctl-manual.c -- undermoonctl(1) and its completion from its tables.
 *
 *   gen-ctl-manual TEMPLATE   the page: TEMPLATE with its lines @COMMANDS@ and
 *                             @OPTIONS@ replaced
 *   gen-ctl-manual -c         the script for bash
 *   gen-ctl-manual -l         "command WORDS" and "option NAME" for each, for
 *                             the tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl_doc.h"
#include "ctl/um_ctl_opt.h"

#include <stdio.h>
#include <string.h>

static void
list(um_sbuf_t *out)
{
    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        um_sbuf_addf(out, "command %s\n", cmd->words);
    }
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        um_sbuf_addf(out, "option %s\n", o->name);
    }
}

static int
page(const char *template, um_sbuf_t *out)
{
    FILE *f = fopen(template, "r");
    char line[1024];

    if (f == NULL) {
        perror(template);
        return 1;
    }

    while (fgets(line, sizeof(line), f) != NULL) {
        if (strcmp(line, "@COMMANDS@\n") == 0) {
            um_ctl_man_cmds(out);
        } else if (strcmp(line, "@OPTIONS@\n") == 0) {
            um_ctl_man_options(out);
        } else {
            um_sbuf_addz(out, line);
        }
    }

    fclose(f);
    return 0;
}

int
main(int argc, char **argv)
{
    um_sbuf_t out = { 0 };
    int status = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: gen-ctl-manual TEMPLATE | -c | -l\n");
        return 1;
    }

    if (strcmp(argv[1], "-l") == 0) {
        list(&out);
    } else if (strcmp(argv[1], "-c") == 0) {
        um_ctl_completion(&out);
    } else {
        status = page(argv[1], &out);
    }

    fputs(um_sbuf_cstr(&out), stdout);
    status = status != 0 || out.failed || fflush(stdout) != 0;
    um_sbuf_deinit(&out);
    return status;
}
