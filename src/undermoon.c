/*
 * undermoon.c -- main().  The only file that knows every room of the house.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <stdio.h>

int
main(void)
{
    fprintf(stderr, "undermoond %s: no role configured\n", PACKAGE_VERSION);
    return 1;
}
