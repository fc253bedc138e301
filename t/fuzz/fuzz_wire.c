/*
 * fuzz_wire.c -- what an external store tells: any bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "storage_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
wire_check_within(um_str_t part, um_str_t text)
{
    um_assert(part.len == 0
              || (part.data >= text.data
                  && part.data + part.len <= text.data + text.len));
}

/* What was understood is said so that it is understood as the same. */
static void
wire_check_again(const wire_t *w)
{
    um_sbuf_t out = { 0 };
    wire_t again;

    wire_write(w->store.len > 0 ? w->store : um_lit("null"), w->version, &out);
    um_assert(!out.failed);
    um_assert(wire_read((um_str_t){ out.data, out.len }, &again) == NULL);
    um_assert(um_str_eq(again.store, w->store));
    um_assert(um_str_eq(again.version, w->version));
    um_sbuf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1);
    um_str_t text = { exact, size };
    wire_t w;

    if (exact == NULL) {
        return 0;
    }

    memcpy(exact, data, size);
    if (wire_read(text, &w) == NULL) {
        wire_check_within(w.store, text);
        wire_check_within(w.version, text);
        wire_check_again(&w);
    }

    free(exact);
    return 0;
}
