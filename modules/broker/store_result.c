/*
 * store_result.c -- the names and HTTP statuses of results.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_result.h"

static const struct {
    const char *name;
    int status;
} results[STORE_RESULT_COUNT] = { [STORE_OK] = { "OK", 200 },
#define STORE_RESULT_ROW(name, status) [STORE_##name] = { #name, status },
    STORE_RESULTS(STORE_RESULT_ROW)
#undef STORE_RESULT_ROW
};

const char *
store_rc_name(store_rc_t rc)
{
    return results[rc].name;
}

int
store_rc_status(store_rc_t rc)
{
    return results[rc].status;
}
