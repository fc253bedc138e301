/*
 * um_client_pick.h -- which clients CLIENT LIST and CLIENT KILL mean.
 *
 * Parsed once, by the worker that was asked; the others get it as the bytes
 * that it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_PICK_H
#define UM_CLIENT_PICK_H

#include "proxy/um_client_text.h"

#define UM_CLIENT_PICK_IDS 4096 /* of one CLIENT LIST ID ... */

typedef struct {
    uint64_t spare; /* not this one; 0: none              */
    uint32_t type;  /* UM_PICK_*                          */
    uint32_t by_id; /* only those in id[0..id_count)      */
    uint32_t id_count;
    uint32_t with_error;             /* UNBLOCK */
    char addr[UM_CLIENT_ADDR_MAX];   /* "": any */
    char laddr[UM_CLIENT_ADDR_MAX];  /* "": any */
    uint64_t id[UM_CLIENT_PICK_IDS]; /* sorted */
} um_client_pick_t;

/* Kinds of clients.  All that we have is normal. */
enum { UM_PICK_ANY, UM_PICK_NORMAL, UM_PICK_OTHER };

/*
 * What follows CLIENT LIST or CLIENT KILL.  `self` is spared by KILL unless it
 * is told otherwise.  UM_DECLINED: the error (without '-') is at the end of
 * `err`, which may hold bytes that an error must not have.
 */
UM_MUSTCHECK um_rc_t um_client_pick_list(
    um_client_pick_t *p, const um_str_t *argv, uint32_t argc, um_sbuf_t *err);
UM_MUSTCHECK um_rc_t um_client_pick_kill(um_client_pick_t *p,
    const um_str_t *argv, uint32_t argc, uint64_t self, um_sbuf_t *err);

/* The one with this id. */
void um_client_pick_one(um_client_pick_t *p, uint64_t id);

/* How many bytes of it mean something: what to send. */
size_t um_client_pick_size(const um_client_pick_t *p);

/* Take it from the bytes of another worker.  UM_ERR: these are not it. */
UM_MUSTCHECK um_rc_t um_client_pick_take(um_client_pick_t *p, um_str_t bytes);

bool um_client_pick_match(const um_client_pick_t *p, const um_client_t *c);

#endif /* UM_CLIENT_PICK_H */
