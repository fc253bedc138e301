/*
 * undermoonctl.c -- main() of the program that operators talk to brokers and
 * proxies with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "ctl/um_ctl.h"

int
main(int argc, char **argv)
{
    return um_ctl_main(argc, argv);
}
