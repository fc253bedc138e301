/*
 * lin_gen.h -- operations at random, each class of key groups its own.
 *
 * The first letter of a group's name is its class: r registers, n counters,
 * l lists, h hashes, s sets, a strings that grow, m several keys at once,
 * x keys that expire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_GEN_H
#define LIN_GEN_H

#include "lin.h"

#define LIN_CLASSES "rnlhsamx"

typedef struct {
    uint64_t seed;
    uint32_t client;
    uint32_t written; /* values, so that each is another */
} lin_gen_t;

uint64_t lin_random(lin_gen_t *g);

/*
 * Words of an operation on this group, into `line`; its length.  `hint`: a
 * value that may be there, for compare-and-set.
 */
size_t lin_gen(
    lin_gen_t *g, lin_str_t group, lin_str_t hint, char *line, size_t size);

/* The k-th of those that read all of the group; 0: there is none. */
size_t lin_gen_read(lin_str_t group, unsigned k, char *line, size_t size);

#endif /* LIN_GEN_H */
