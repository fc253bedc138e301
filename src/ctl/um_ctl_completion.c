/*
 * um_ctl_completion.c -- the tables as a script for bash.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "ctl/um_ctl_doc.h"

/* What comes before and behind the lists.  Words of options that take a value
 * are passed over, so that the command is found wherever it stands; bash has
 * cut them at ":" and "=". */
static const char script_head[] =
    "# bash completion for undermoonctl.\n"
    "#\n"
    "# From its tables by \"make manual\": do not edit.\n"
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# shellcheck shell=bash\n"
    "\n"
    "_undermoonctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}"
    "\n"
    "    local word words=() options next=''\n"
    "\n"
    "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "        case $next$word in\n";

static const char script_common[] =
    "        : | = | -: | -=) next='-' ;;\n"
    "        -*) next='' ;;\n"
    "        *) words+=(\"$word\") ;;\n"
    "        esac\n"
    "    done\n"
    "    [ \"${words[0]}\" = help ] && words=(\"${words[@]:1}\")\n"
    "\n"
    "    # A value: files would be no help.\n"
    "    case $prev in\n";

static const char script_tail[] =
    "        *) return ;;\n"
    "        esac ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$next\" -- \"$cur\")\n"
    "}\n"
    "complete -F _undermoonctl undermoonctl\n";

/* "--broker | --token": options with a value. */
static void
put_valued(um_sbuf_t *out)
{
    const char *bar = "";

    um_sbuf_addz(out, "        ");
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if (o->arg != NULL) {
            um_sbuf_addf(out, "%s--%s", bar, o->name);
            bar = " | ";
        }
    }
}

static void
put_options(um_sbuf_t *out, uint32_t takes, const char *before)
{
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if (takes == UM_CTL_ANY ? o->takes == UM_CTL_ANY
                                : (o->takes & takes) != 0) {
            um_sbuf_addf(out, "%s--%s", before, o->name);
            before = " ";
        }
    }
}

/* The first words, each once; or the second ones behind `first`. */
static void
put_words(um_sbuf_t *out, const char *first)
{
    size_t len = first != NULL ? strlen(first) : 0;
    um_str_t last = { "", 0 };
    const char *blank = "";

    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        const char *at = cmd->words;
        um_str_t word;

        if (first != NULL) {
            if (strncmp(at, first, len) != 0 || at[len] != ' ') {
                continue;
            }
            at += len + 1;
        }
        word = (um_str_t){ at, strcspn(at, " ") };
        if (word.len == last.len && memcmp(word.data, last.data, last.len) == 0)
        {
            continue;
        }
        um_sbuf_addz(out, blank);
        um_sbuf_add_str(out, word);
        blank = " ";
        last = word;
    }
}

/* Groups: "cluster) next='create list ...'". */
static void
put_groups(um_sbuf_t *out)
{
    um_str_t last = { "", 0 };

    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        um_str_t word = { cmd->words, strcspn(cmd->words, " ") };
        um_sbuf_t name = { 0 };

        um_sbuf_add_str(&name, word);
        if ((word.len != last.len || memcmp(word.data, last.data, word.len))
            && um_ctl_cmd_is_group(um_sbuf_cstr(&name)))
        {
            um_sbuf_addf(out, "        %s) next='", um_sbuf_cstr(&name));
            put_words(out, um_sbuf_cstr(&name));
            um_sbuf_addz(out, "' ;;\n");
        }
        out->failed = out->failed || name.failed;
        um_sbuf_deinit(&name);
        last = word;
    }
}

void
um_ctl_completion(um_sbuf_t *out)
{
    um_sbuf_addz(out, script_head);
    put_valued(out);
    um_sbuf_addz(out, ") next='-' ;;\n");
    um_sbuf_addz(out, script_common);
    put_valued(out);
    um_sbuf_addz(out,
        " | : | =) return ;;\n    esac\n\n    case $cur in\n    -*)\n"
        "        options='");
    put_options(out, UM_CTL_ANY, "");
    um_sbuf_addz(out, "'\n        case ${words[*]} in\n");
    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        if (cmd->takes != 0) {
            um_sbuf_addf(out, "        '%s'*) options+='", cmd->words);
            put_options(out, cmd->takes, " ");
            um_sbuf_addz(out, "' ;;\n");
        }
    }
    um_sbuf_addz(out, "        esac\n        next=$options ;;\n    *)\n"
                      "        case ${words[*]} in\n        '') next='");
    put_words(out, NULL);
    um_sbuf_addz(out, "' ;;\n");
    put_groups(out);
    um_sbuf_addz(out, script_tail);
}
