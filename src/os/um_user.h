/*
 * um_user.h -- who the children are: drop root's rights, raise limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_USER_H
#define UM_USER_H

#include <sys/types.h>

#include "core/um_base.h"

typedef struct {
    bool set; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
    char name[64];
} um_user_t;

/*
 * Look up `user` and `group`; NULL: the user's own.  NULL and `u` filled, or
 * what is wrong, to follow the word "user": "has no such group: wheel".
 */
const char *um_user_lookup(um_user_t *u, const char *user, const char *group);

/* Become `u` for good, with its groups.  UM_ERR: logged; the process must not
 * go on as it is. */
UM_MUSTCHECK um_rc_t um_user_become(const um_user_t *u);

/* Give a file to `u`, so that it can open it again.  Failure is logged. */
void um_user_own(const um_user_t *u, const char *path);

/* As many descriptors as allowed; `want` of them where we may raise even
 * that, 0: what there is.  How many there are now. */
uint64_t um_user_raise_nofile(uint64_t want);

#endif /* UM_USER_H */
