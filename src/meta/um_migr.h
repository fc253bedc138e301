/*
 * um_migr.h -- one migration task: its words, as INFOMGR and the switch
 * commands have them (dataplane.md 7.4, 7.9), and the key that names it.
 *
 * Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_MIGR_H
#define UM_MIGR_H

#include "core/um_sbuf.h"
#include "meta/um_topo.h"

/* Of an entry that is tagged. */
uint64_t um_migr_key(const um_topo_t *t, const um_topo_entry_t *e);

/* "<cluster> MIGRATING|IMPORTING <n> a-b ... <epoch> <src proxy> <src node>
 * <dst proxy> <dst node>", apart by single spaces. */
void um_migr_words(
    const um_topo_t *t, const um_topo_entry_t *e, um_sbuf_t *out);

/* What a switch command says of its task. */
typedef struct {
    uint64_t key;
    uint64_t epoch;
    uint32_t tag; /* UM_TAG_... as it is said; NONE: it is untagged */
    bool has_nonce;
    uint64_t nonce; /* the word behind the task, of mgr-0.3 */
} um_migr_said_t;

/* The words from <cluster> on.  UM_DECLINED: they are no task. */
UM_MUSTCHECK um_rc_t um_migr_parse(
    const um_str_t *argv, uint32_t argc, um_migr_said_t *said);

/* The local entry of this key, and the address it is of; NULL: none. */
const um_topo_entry_t *um_migr_find(
    const um_topo_t *t, uint64_t key, uint32_t *addr);

#endif /* UM_MIGR_H */
