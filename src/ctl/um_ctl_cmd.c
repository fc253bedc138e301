/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_cmd.h"

#include <string.h>

#include "ctl/um_ctl_opt.h"

const um_ctl_cmd_t um_ctl_cmds[] = {
    {
        .words = "cluster create",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .takes = UM_CTL_NODES | UM_CTL_WAIT,
        .run = um_ctl_cluster_create,
        .doc = "Make a cluster of spare proxies. Each proxy brings two nodes, "
               "so the number of nodes is a multiple of 4; half of them are "
               "masters. With --wait, until all its proxies know the cluster "
               "and all its nodes are what they should be.",
    },
    {
        .words = "cluster list",
        .args = "",
        .run = um_ctl_cluster_list,
        .doc = "Show all clusters.",
    },
    {
        .words = "cluster show",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .run = um_ctl_cluster_show,
        .doc = "Show the nodes of a cluster, and what their proxies say of "
               "them. All proxies are asked at once; one that does not answer "
               "within --timeout is shown with the reason.",
    },
    {
        .words = "cluster scale",
        .args = "NAME NODES",
        .min = 2,
        .max = 2,
        .takes = UM_CTL_WAIT | UM_CTL_NO_WAIT,
        .run = um_ctl_cluster_scale,
        .doc = "Have so many nodes, with the slots spread evenly over them. "
               "Nodes are added, or slots are moved away from the last ones, "
               "which become spare at the end. It waits and tells how far the "
               "slots are; Ctrl-C ends that and nothing else. With --no-wait "
               "it ends at once, and nodes whose slots have left become spare "
               "when the same is asked again.",
    },
    {
        .words = "cluster delete",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .takes = UM_CTL_YES,
        .run = um_ctl_cluster_delete,
        .doc = "Delete a cluster. Its proxies become spare, and its keys "
               "cannot be reached any more. Asks for the name once more.",
    },
    {
        .words = "cluster config",
        .args = "NAME [KEY=VALUE ...]",
        .min = 1,
        .max = UM_CTL_ARGS,
        .run = um_ctl_cluster_config,
        .doc = "Show or change the configuration of a cluster. All values are "
               "taken, or none.",
    },
    {
        .words = "cluster balance",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .run = um_ctl_cluster_balance,
        .doc = "Put masters back to where they began, after failovers. It is "
               "refused while a node that would become master has not all "
               "data.",
    },
    {
        .words = "cluster migrations",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .takes = UM_CTL_CANCEL,
        .run = um_ctl_cluster_migrations,
        .doc = "Show the slots of a cluster that are on the move, and how far "
               "they are. With --cancel, take back what has not arrived; what "
               "has stays where it is. With --watch, until it is over.",
    },
    {
        .words = "proxy add",
        .args = "ADDRESS NODE NODE",
        .min = 3,
        .max = 3,
        .takes = UM_CTL_HOST,
        .run = um_ctl_proxy_add,
        .doc = "Register a proxy and its two Redis nodes. It is spare until a "
               "cluster needs it.",
    },
    {
        .words = "proxy list",
        .args = "",
        .run = um_ctl_proxy_list,
        .doc = "Show all proxies.",
    },
    {
        .words = "proxy show",
        .args = "ADDRESS",
        .min = 1,
        .max = 1,
        .run = um_ctl_proxy_show,
        .doc = "Show a proxy, as the broker knows it and as it sees itself.",
    },
    {
        .words = "proxy remove",
        .args = "ADDRESS",
        .min = 1,
        .max = 1,
        .run = um_ctl_proxy_remove,
        .doc = "Forget a proxy. It is refused while a cluster uses it.",
    },
    {
        .words = "failover",
        .args = "ADDRESS",
        .min = 1,
        .max = 1,
        .takes = UM_CTL_YES,
        .run = um_ctl_failover,
        .doc = "Have a proxy's masters taken over and the proxy replaced. It "
               "is refused while the proxy lives and the nodes that would "
               "take over have not all data.",
    },
    {
        .words = "doctor",
        .args = "",
        .takes = UM_CTL_COORDINATOR | UM_CTL_STALL,
        .run = um_ctl_doctor,
        .doc = "Look at everything, and say what is wrong and what to do. Its "
               "exit status is 0 when all is well, 1 with warnings, 2 with "
               "errors.",
    },
    {
        .words = "epoch",
        .args = "",
        .run = um_ctl_epoch,
        .doc = "Show the epoch of the metadata.",
    },
    {
        .words = "epoch recover",
        .args = "",
        .run = um_ctl_epoch_recover,
        .doc = "Go beyond the highest epoch that any proxy knows. For a broker "
               "that has lost its last changes, or took another's place.",
    },
    {
        .words = "version",
        .args = "",
        .run = um_ctl_version,
        .doc = "Show the versions of undermoonctl and of the broker.",
    },
    {
        .words = "help",
        .args = "[COMMAND]",
        .max = 2,
        .run = um_ctl_help,
        .doc = "Show what there is, or how a command is used.",
    },
    { .words = NULL },
};

/* Do the first of the words name the command?  How many, 0: no. */
static uint32_t
cmd_match(const um_ctl_cmd_t *cmd, const char *const *word, uint32_t n)
{
    const char *at = cmd->words;

    for (uint32_t i = 0; i < n; i++) {
        size_t len = strcspn(at, " ");

        if (strlen(word[i]) != len || memcmp(word[i], at, len) != 0) {
            return 0;
        }
        if (at[len] == '\0') {
            return i + 1;
        }
        at += len + 1;
    }

    return 0;
}

const um_ctl_cmd_t *
um_ctl_cmd_find(const char *const *word, uint32_t n, uint32_t *used)
{
    const um_ctl_cmd_t *best = NULL;

    *used = 0;
    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        uint32_t words = cmd_match(cmd, word, n);

        if (words > *used) {
            *used = words;
            best = cmd;
        }
    }

    return best;
}

bool
um_ctl_cmd_is_group(const char *word)
{
    size_t len = strlen(word);

    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        if (strncmp(cmd->words, word, len) == 0 && cmd->words[len] == ' ') {
            return true;
        }
    }

    return false;
}
