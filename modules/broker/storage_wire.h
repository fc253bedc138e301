/*
 * storage_wire.h -- what an external store is told, and what it tells:
 *
 *     {"store":<dump>,"version":"7"}
 *
 * Pure.  The dump stays text: store_load() reads it.  A version is only
 * compared and given back, so it is kept as it was written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_STORAGE_WIRE_H
#define BROKER_STORAGE_WIRE_H

#include "core/um_sbuf.h"

/* Bytes of a version, with its quotes. */
#define WIRE_VERSION_MAX 1024

typedef struct {
    um_str_t store;   /* empty: null, or not there                   */
    um_str_t version; /* with its quotes; empty: null, or not there  */
} wire_t;

/* What a store tells; the members point into `text`.  NULL, or what is wrong
 * with it, in static words. */
const char *wire_read(um_str_t text, wire_t *w);

/* What it is told; an empty `version` is null. */
void wire_write(um_str_t store, um_str_t version, um_sbuf_t *out);

/* The path of the store `name`. */
void wire_path(um_str_t name, um_sbuf_t *out);

#endif /* BROKER_STORAGE_WIRE_H */
