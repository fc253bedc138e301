/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_code.h"

#include <string.h>

static const struct {
    const char *code;
    const char *words;
} codes[] = {
    { "IN_USE", "a cluster uses the proxy: scale the cluster down, or let a "
                "failover replace the proxy first" },
    { "NO_AVAILABLE_RESOURCE",
        "there are not enough spare proxies, or nobody could take over: add "
        "proxies on other hosts with \"proxy add\", and see \"doctor\"" },
    { "ALREADY_EXISTED", "it is there already" },
    { "CLUSTER_NOT_FOUND",
        "there is no such cluster: \"cluster list\" has all" },
    { "FREE_NODE_NOT_FOUND", "all nodes of the cluster have slots" },
    { "FREE_NODE_FOUND", "some nodes of the cluster have no slots: scale it "
                         "to its size first" },
    { "PROXY_NOT_FOUND", "there is no such proxy: \"proxy list\" has all" },
    { "INVALID_NODE_NUMBER", "the number of nodes must be a multiple of 4" },
    { "NODE_NUM_ALREADY_ENOUGH", "the cluster has that many nodes already" },
    { "INVALID_CLUSTER_NAME",
        "the name of a cluster has 1 to 31 of A-Z a-z 0-9 @ _ -" },
    { "INVALID_MIGRATION_TASK", "there can be no such migration" },
    { "INVALID_PROXY_ADDRESS", "the address of a proxy is HOST:PORT" },
    { "MIGRATION_TASK_NOT_FOUND",
        "no slots are on the move: \"cluster migrations\" shows them" },
    { "MIGRATION_RUNNING", "slots are on the move: wait until they have "
                           "arrived, see \"cluster migrations\"" },
    { "NODE_NUMBER_CHANGING", "a cluster is being scaled: try again later" },
    { "INVALID_CONFIG", "the configuration is wrong" },
    { "SLOTS_ALREADY_EVEN", "the slots are spread evenly already" },
    { "INVALID_META_VERSION", "the metadata are of another version" },
    { "EPOCH_SMALLER_THAN_CURRENT", "the broker has a higher epoch" },
    { "MISSING_SERVER_PROXY_INDEX",
        "this broker keeps its proxies in order: give --index" },
    { "PROXY_RESOURCE_OUT_OF_ORDER",
        "the indexes of the spare proxies have gaps: register those that are "
        "missing" },
    { "ONE_CLUSTER_ALREADY_EXISTED",
        "this broker keeps its proxies in order and has one cluster only" },
    { "PROXY_NOT_SYNC", "not all proxies of the cluster took the new nodes in "
                        "time: see \"doctor\", then scale again" },
    { "RETRY", "others were changing the metadata: try again" },
    { "EXTERNAL", "the broker's storage does not work: nothing was changed" },
    { "EXTERNAL_TIMEOUT", "the broker's storage does not answer" },
    { "EMPTY_EXTERNAL_VERSION", "the broker's storage gave no version" },
    { "PERSISTENCE_IO_ERROR",
        "the broker cannot save its metadata: see its log, and its disk" },
    { "PERSISTENCE_JSON_ERROR", "the broker cannot write its metadata" },
    { "REPLICATION_ERROR", "the broker cannot have replicas like that" },
    { "CANCEL_NOT_SUPPORTED", "a proxy that takes part cannot take a "
                              "migration back: let it finish" },
    { "INVALID_METADATA", "the metadata do not fit together" },
    { "INVALID_REPORTER", "the name of the reporter is wrong" },
    { "EPOCH_TOO_LARGE", "the epoch is too large" },
    { "TOO_MANY", "the broker has no room for more" },
    { "NO_MEMORY", "the broker is out of memory" },
};

const char *
um_ctl_code_words(const char *code)
{
    for (size_t i = 0; i < um_countof(codes); i++) {
        if (strcmp(code, codes[i].code) == 0) {
            return codes[i].words;
        }
    }

    return NULL;
}
