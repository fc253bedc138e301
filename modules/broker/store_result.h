/*
 * store_result.h -- what an operation on the store says: one enum, one table
 * of the names the reference's JSON has for them and their HTTP statuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STORE_RESULT_H
#define STORE_RESULT_H

#include "core/um_str.h"

/* X(name, HTTP status); the JSON code is the name. */
#define STORE_RESULTS(X)                                                       \
    X(IN_USE, 409)                                                             \
    X(NO_AVAILABLE_RESOURCE, 409)                                              \
    X(ALREADY_EXISTED, 409)                                                    \
    X(CLUSTER_NOT_FOUND, 404)                                                  \
    X(FREE_NODE_NOT_FOUND, 404)                                                \
    X(FREE_NODE_FOUND, 409)                                                    \
    X(PROXY_NOT_FOUND, 404)                                                    \
    X(INVALID_NODE_NUMBER, 400)                                                \
    X(NODE_NUM_ALREADY_ENOUGH, 409)                                            \
    X(INVALID_CLUSTER_NAME, 400)                                               \
    X(INVALID_MIGRATION_TASK, 400)                                             \
    X(INVALID_PROXY_ADDRESS, 400)                                              \
    X(MIGRATION_TASK_NOT_FOUND, 404)                                           \
    X(MIGRATION_RUNNING, 409)                                                  \
    X(INVALID_CONFIG, 400)                                                     \
    X(SLOTS_ALREADY_EVEN, 400)                                                 \
    X(INVALID_META_VERSION, 409)                                               \
    X(EPOCH_SMALLER_THAN_CURRENT, 409)                                         \
    X(MISSING_SERVER_PROXY_INDEX, 400)                                         \
    X(PROXY_RESOURCE_OUT_OF_ORDER, 409)                                        \
    X(ONE_CLUSTER_ALREADY_EXISTED, 409)                                        \
    X(PROXY_NOT_SYNC, 500)                                                     \
    X(RETRY, 409)                                                              \
    X(EXTERNAL, 500)                                                           \
    X(EXTERNAL_TIMEOUT, 504)                                                   \
    X(EMPTY_EXTERNAL_VERSION, 500)                                             \
    X(PERSISTENCE_IO_ERROR, 500)                                               \
    X(PERSISTENCE_JSON_ERROR, 500)                                             \
    X(REPLICATION_ERROR, 500)                                                  \
    /* Ours. */                                                                \
    X(CANCEL_NOT_SUPPORTED, 409)                                               \
    X(INVALID_METADATA, 400)                                                   \
    X(INVALID_REPORTER, 400)                                                   \
    X(EPOCH_TOO_LARGE, 400) X(TOO_MANY, 409) X(NO_MEMORY, 500)

typedef enum {
    STORE_OK = 0,
#define STORE_RESULT_ENUM(name, status) STORE_##name,
    STORE_RESULTS(STORE_RESULT_ENUM)
#undef STORE_RESULT_ENUM
        STORE_RESULT_COUNT
} store_rc_t;

/* "CLUSTER_NOT_FOUND"; "OK" for STORE_OK. */
const char *store_rc_name(store_rc_t rc);

/* 200, 400, 404 ... */
int store_rc_status(store_rc_t rc);

/*
 * More about a failure, where there is more to say.  STORE_INVALID_CONFIG:
 * all three, key and value lent by the call's arguments.
 * STORE_INVALID_METADATA: `field` is the path of what is wrong,
 * "clusters.c1.chunks[3].hosts[0]", `message` says why.
 */
typedef struct {
    um_str_t key;
    um_str_t value;
    const char *message; /* static */
    char field[256];
} store_why_t;

#endif /* STORE_RESULT_H */
