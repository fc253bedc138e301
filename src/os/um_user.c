/*
 * um_user.c -- see um_user.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "os/um_user.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/um_log.h"

const char *
um_user_lookup(um_user_t *u, const char *user, const char *group)
{
    const struct passwd *pw = getpwnam(user);
    const struct group *gr;

    u->set = false;

    if (pw == NULL) {
        return "is unknown to this system";
    }

    u->uid = pw->pw_uid;
    u->gid = pw->pw_gid;
    snprintf(u->name, sizeof(u->name), "%s", user);

    if (group != NULL) {
        gr = getgrnam(group);
        if (gr == NULL) {
            return "names a group unknown to this system";
        }

        u->gid = gr->gr_gid;
    }

    u->set = true;
    return NULL;
}

um_rc_t
um_user_become(const um_user_t *u)
{
    if (!u->set) {
        return UM_OK;
    }

    if (initgroups(u->name, u->gid) == -1) {
        um_log_error(errno, "user %s: initgroups failed", u->name);
        return UM_ERR;
    }

    if (setgid(u->gid) == -1) {
        um_log_error(errno, "user %s: setgid failed", u->name);
        return UM_ERR;
    }

    if (setuid(u->uid) == -1) {
        um_log_error(errno, "user %s: setuid failed", u->name);
        return UM_ERR;
    }

    return UM_OK;
}

void
um_user_own(const um_user_t *u, const char *path)
{
    if (u->set && chown(path, u->uid, u->gid) == -1) {
        um_log_warn(errno, "%s: chown to %s failed", path, u->name);
    }
}

uint64_t
um_user_raise_nofile(uint64_t want)
{
    struct rlimit limit;
    struct rlimit more;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        um_log_warn(errno, "getrlimit of descriptors failed");
        return 0;
    }

    more = limit;
    more.rlim_max = um_max(limit.rlim_max, (rlim_t) want);
    more.rlim_cur = want == 0 ? more.rlim_max : (rlim_t) want;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
        return more.rlim_cur;
    }

    if (want > limit.rlim_max) {
        um_log_warn(errno,
            "%" PRIu64 " descriptors are wanted, %" PRIu64 " are allowed", want,
            (uint64_t) limit.rlim_max);
    }

    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        um_log_warn(errno, "setrlimit of descriptors failed");
    }

    return limit.rlim_cur;
}
