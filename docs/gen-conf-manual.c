/*
 * gen-conf-manual.c -- undermoond.conf(5) from the directive tables.
 *
 *   gen-conf-manual TEMPLATE   the page: TEMPLATE with its line @DIRECTIVES@
 *                              replaced
 *   gen-conf-manual -l         "block directive" for each, for the tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_sbuf.h"
#include "master/um_main_conf.h"
#include "master/um_redis_conf.h"
#include "proxy/um_proxy_conf.h"

#include "../modules/broker/broker_conf.h"
#include "../modules/coordinator/coord_conf.h"
#include "../modules/status/status_conf.h"

#include <stdio.h>
#include <string.h>

/* What modules bring; the table is linked from their folder. */
static const um_block_t status_block = {
    .name = "status",
    .directives = status_directives,
    .doc = STATUS_DOC,
};

static const um_block_t broker_block = {
    .name = "broker",
    .directives = broker_directives,
    .doc = BROKER_DOC,
    .env = true,
};

static const um_block_t coord_block = {
    .name = "coordinator",
    .directives = coord_directives,
    .doc = COORD_DOC,
    .env = true,
};

static const um_block_t *const blocks[] = {
    &um_main_block,
    &um_proxy_block,
    &um_redis_block,
    &broker_block,
    &coord_block,
    &status_block,
    NULL,
};

static void
list(void)
{
    for (const um_block_t *const *b = blocks; *b != NULL; b++) {
        for (const um_directive_t *d = (*b)->directives; d->name != NULL; d++) {
            printf("%s %s\n", (*b)->name, d->name);
        }
    }
}

static int
page(const char *template)
{
    um_sbuf_t text = { 0 };
    FILE *f = fopen(template, "r");
    char line[1024];

    if (f == NULL) {
        perror(template);
        return 1;
    }

    um_conf_manual(blocks, &text);
    while (fgets(line, sizeof(line), f) != NULL) {
        fputs(strcmp(line, "@DIRECTIVES@\n") == 0 ? um_sbuf_cstr(&text) : line,
            stdout);
    }

    fclose(f);
    um_sbuf_deinit(&text);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-l") == 0) {
        list();
        return 0;
    }

    if (argc != 2) {
        fprintf(stderr, "usage: gen-conf-manual TEMPLATE | -l\n");
        return 1;
    }

    return page(argv[1]);
}
