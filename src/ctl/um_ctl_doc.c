/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_doc.h"

#include <string.h>

#define DOC_WIDTH  78
#define DOC_INDENT 4
#define DOC_LEFT   26 /* where the words behind names begin */

static void
put_blanks(um_sbuf_t *out, size_t n)
{
    while (n-- > 0) {
        um_sbuf_add(out, " ", 1);
    }
}

/* Words, wrapped, each line so far from the left; the first begins at `at`. */
static void
put_words(um_sbuf_t *out, const char *text, size_t at, size_t indent)
{
    bool begun = false;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (begun && at + 1 + len > DOC_WIDTH) {
            um_sbuf_add(out, "\n", 1);
            at = 0;
            begun = false;
        }
        if (at < indent) {
            put_blanks(out, indent - at);
            at = indent;
        }
        if (begun) {
            um_sbuf_add(out, " ", 1);
            at++;
        }
        um_sbuf_add(out, text, len);
        at += len;
        begun = true;
        text += len + strspn(text + len, " ");
    }

    um_sbuf_add(out, "\n", 1);
}

/* "  name    what it is", the name on a line of its own when it is long. */
static void
put_entry(um_sbuf_t *out, const char *name, const char *doc)
{
    size_t len = strlen(name) + 2;

    put_blanks(out, 2);
    um_sbuf_addz(out, name);
    if (len + 2 > DOC_LEFT) {
        um_sbuf_add(out, "\n", 1);
        len = 0;
    }
    put_words(out, doc, len, DOC_LEFT);
}

/* ---- Help --------------------------------------------------------------- */

static void
put_option_name(um_sbuf_t *out, const um_ctl_option_t *o)
{
    um_sbuf_addf(out, "--%s", o->name);
    if (o->arg != NULL) {
        um_sbuf_addf(out, " %s", o->arg);
    }
}

static void
put_option(um_sbuf_t *out, const um_ctl_option_t *o)
{
    um_sbuf_t name = { 0 };
    um_sbuf_t doc = { 0 };

    put_option_name(&name, o);
    um_sbuf_addz(&doc, o->doc);
    if (o->env != NULL) {
        um_sbuf_addf(&doc, " [%s]", o->env);
    }
    if (o->dflt != NULL) {
        um_sbuf_addf(&doc, " (%s)", o->dflt);
    }
    put_entry(out, um_sbuf_cstr(&name), um_sbuf_cstr(&doc));
    out->failed = out->failed || name.failed || doc.failed;
    um_sbuf_deinit(&name);
    um_sbuf_deinit(&doc);
}

static void
put_options(um_sbuf_t *out, uint32_t takes)
{
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if (takes == UM_CTL_ANY ? o->takes == UM_CTL_ANY
                                : (o->takes & takes) != 0) {
            put_option(out, o);
        }
    }
}

/* A command and the first sentence of its text. */
static void
put_summary(um_sbuf_t *out, const um_ctl_cmd_t *cmd)
{
    const char *end = strstr(cmd->doc, ". ");
    um_sbuf_t first = { 0 };

    um_sbuf_add(&first, cmd->doc,
        end != NULL ? (size_t) (end - cmd->doc) : strlen(cmd->doc) - 1);
    put_entry(out, cmd->words, um_sbuf_cstr(&first));
    out->failed = out->failed || first.failed;
    um_sbuf_deinit(&first);
}

void
um_ctl_doc_group(um_sbuf_t *out, const char *word)
{
    size_t len = strlen(word);

    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        if (strncmp(cmd->words, word, len) == 0
            && (len == 0 || cmd->words[len] == ' ' || cmd->words[len] == '\0'))
        {
            put_summary(out, cmd);
        }
    }
}

void
um_ctl_doc_all(um_sbuf_t *out)
{
    um_sbuf_addz(out, "usage: undermoonctl [OPTIONS] COMMAND ...\n\n"
                      "Commands:\n");
    um_ctl_doc_group(out, "");
    um_sbuf_addz(out, "\nOptions of all commands:\n");
    put_options(out, UM_CTL_ANY);
    um_sbuf_addz(out, "\n\"undermoonctl help COMMAND\" tells more.\n");
}

void
um_ctl_doc_usage(um_sbuf_t *out, const um_ctl_cmd_t *cmd)
{
    um_sbuf_addf(out, "undermoonctl %s%s%s", cmd->words,
        *cmd->args != '\0' ? " " : "", cmd->args);
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if ((o->takes & cmd->takes) != 0) {
            um_sbuf_addz(out, o->takes == UM_CTL_NODES ? " " : " [");
            put_option_name(out, o);
            um_sbuf_addz(out, o->takes == UM_CTL_NODES ? "" : "]");
        }
    }
}

void
um_ctl_doc_cmd(um_sbuf_t *out, const um_ctl_cmd_t *cmd)
{
    um_sbuf_t usage = { 0 };

    um_sbuf_addz(out, "usage: ");
    um_ctl_doc_usage(&usage, cmd);
    put_words(out, um_sbuf_cstr(&usage), 7, 7);
    um_sbuf_add(out, "\n", 1);
    put_words(out, cmd->doc, 0, 0);
    if (cmd->takes != 0) {
        um_sbuf_addz(out, "\nOptions:\n");
        put_options(out, cmd->takes);
    }
    um_sbuf_addz(out, "\nOptions of all commands:\n");
    put_options(out, UM_CTL_ANY);
    out->failed = out->failed || usage.failed;
    um_sbuf_deinit(&usage);
}

/* ---- The manual --------------------------------------------------------- */

/* Sentences on lines of their own, as man wants them.  "--wait" is a flag. */
static void
man_doc(um_sbuf_t *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (text[0] == '.' && text[1] == ' ') {
            um_sbuf_addz(out, ".\n");
            text++;
        } else if (*text == '-') {
            um_sbuf_addz(out, "\\-");
        } else {
            um_sbuf_add(out, text, 1);
        }
    }
    um_sbuf_add(out, "\n", 1);
}

static void
man_option(um_sbuf_t *out, const um_ctl_option_t *o)
{
    um_sbuf_addf(out, ".It Fl \\-%s", o->name);
    if (o->arg != NULL) {
        um_sbuf_addf(out, " Ar %s", o->arg);
    }
    um_sbuf_add(out, "\n", 1);
    man_doc(out, o->doc);
    if (o->dflt != NULL) {
        um_sbuf_addf(out, "Default:\n.Ql %s .\n", o->dflt);
    }
    if (o->env != NULL) {
        um_sbuf_addf(out, "Environment:\n.Ev %s .\n", o->env);
    }
}

void
um_ctl_man_options(um_sbuf_t *out)
{
    um_sbuf_addz(out, ".Bl -tag -width Ds\n");
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if (o->takes == UM_CTL_ANY) {
            man_option(out, o);
        }
    }
    um_sbuf_addz(out, ".El\n");
}

void
um_ctl_man_cmds(um_sbuf_t *out)
{
    um_sbuf_addz(out, ".Bl -tag -width Ds\n");
    for (const um_ctl_cmd_t *cmd = um_ctl_cmds; cmd->words != NULL; cmd++) {
        um_sbuf_addf(out, ".It Ic %s", cmd->words);
        if (*cmd->args != '\0') {
            um_sbuf_addf(out, " Ar \"%s\"", cmd->args);
        }
        um_sbuf_add(out, "\n", 1);
        man_doc(out, cmd->doc);
        if (cmd->takes != 0) {
            um_sbuf_addz(out, ".Bl -tag -width Ds\n");
            for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL;
                 o++) {
                if ((o->takes & cmd->takes) != 0) {
                    man_option(out, o);
                }
            }
            um_sbuf_addz(out, ".El\n");
        }
    }
    um_sbuf_addz(out, ".El\n");
}
