/*
 * um_ctl_doc.h -- the tables of commands and options in words: help, manual,
 * completion.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_DOC_H
#define UM_CTL_DOC_H

#include "ctl/um_ctl_opt.h"

/* All commands in a line each, and the options that all of them take. */
void um_ctl_doc_all(um_sbuf_t *out);

/* The commands that begin with a word. */
void um_ctl_doc_group(um_sbuf_t *out, const char *word);

/* How one is used. */
void um_ctl_doc_cmd(um_sbuf_t *out, const um_ctl_cmd_t *cmd);

/* "undermoonctl cluster create NAME [--nodes N] [--wait] ..." */
void um_ctl_doc_usage(um_sbuf_t *out, const um_ctl_cmd_t *cmd);

/* Parts of undermoonctl(1). */
void um_ctl_man_cmds(um_sbuf_t *out);
void um_ctl_man_options(um_sbuf_t *out);

/* A script that completes words for bash. */
void um_ctl_completion(um_sbuf_t *out);

#endif /* UM_CTL_DOC_H */
