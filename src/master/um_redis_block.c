/*
 * um_redis_block.c -- see um_redis_block.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_redis_block.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/um_log.h"

/* Is there a program `name` in one of the directories of `path`? */
static bool
redis_in_path(char *out, size_t size, const char *path, const char *name)
{
    size_t len;

    for (; *path != '\0'; path += len + (path[len] == ':')) {
        len = strcspn(path, ":");

        if ((size_t) snprintf(out, size, "%.*s/%s", (int) len, path, name)
                < size
            && access(out, X_OK) == 0)
        {
            return true;
        }
    }

    return false;
}

static um_rc_t
redis_find_server(um_redis_servers_t *rs, const char *configured)
{
    static const char *const names[] = {
        "valkey-server",
        "redis-server",
        "keydb-server",
    };
    const char *path = getenv("PATH");
    size_t i;

    if (path == NULL) {
        path = "/usr/local/bin:/usr/bin:/bin";
    }

    if (configured != NULL) {
        bool found = strchr(configured, '/') == NULL
                         ? redis_in_path(
                             rs->server, sizeof(rs->server), path, configured)
                         : (size_t) snprintf(
                               rs->server, sizeof(rs->server), "%s", configured)
                                   < sizeof(rs->server)
                               && access(configured, X_OK) == 0;

        if (!found) {
            um_log_error(errno, "redis: server %s", configured);
            return UM_ERR;
        }

        return UM_OK;
    }

    for (i = 0; i < um_countof(names); i++) {
        if (redis_in_path(rs->server, sizeof(rs->server), path, names[i])) {
            return UM_OK;
        }
    }

    um_log_error(0,
        "redis: neither valkey-server, redis-server nor keydb-server is in "
        "PATH");
    return UM_ERR;
}

/* The directory and those above it, as far as they are missing. */
static um_rc_t
redis_mkdir(const char *dir, const um_user_t *user)
{
    char path[4096];
    char *at = path;

    if ((size_t) snprintf(path, sizeof(path), "%s", dir) >= sizeof(path)) {
        um_log_error(ENAMETOOLONG, "redis: directory");
        return UM_ERR;
    }

    while (at != NULL) {
        at = strchr(at + 1, '/');
        if (at != NULL) {
            *at = '\0';
        }

        if (mkdir(path, 0755) == 0) {
            um_user_own(user, path);
        } else if (errno != EEXIST) {
            um_log_error(errno, "redis: directory %s cannot be made", path);
            return UM_ERR;
        }

        if (at != NULL) {
            *at = '/';
        }
    }

    return UM_OK;
}

um_rc_t
um_redis_servers_init(um_redis_servers_t *rs, const um_redis_conf_t *conf,
    const char *password, const um_user_t *user)
{
    memset(rs, 0, sizeof(*rs));

    if (conf == NULL) {
        return UM_OK;
    }

    rs->common.conf = conf;
    rs->common.server = rs->server;
    rs->common.password = conf->password != NULL ? conf->password : password;
    rs->common.user = *user;
    rs->common.master = getpid();

    if (redis_find_server(rs, conf->server) != UM_OK
        || redis_mkdir(conf->dir, user) != UM_OK)
    {
        return UM_ERR;
    }

    rs->child = calloc(conf->listen_count, sizeof(*rs->child));
    if (rs->child == NULL) {
        um_log_error(ENOMEM, "redis");
        return UM_ERR;
    }

    while (rs->count < conf->listen_count) {
        if (um_redis_child_init(
                &rs->child[rs->count], &rs->common, &conf->listen[rs->count])
            != UM_OK)
        {
            um_redis_servers_deinit(rs);
            return UM_ERR;
        }

        rs->count++;
    }

    return UM_OK;
}

void
um_redis_servers_deinit(um_redis_servers_t *rs)
{
    while (rs->count > 0) {
        um_redis_child_deinit(&rs->child[--rs->count]);
    }

    free(rs->child);
    rs->child = NULL;
}

uint64_t
um_redis_servers_tick(um_redis_servers_t *rs, uint64_t now)
{
    uint64_t next = 0;
    uint32_t i;

    for (i = 0; i < rs->count; i++) {
        uint64_t due = um_redis_child_tick(&rs->child[i], now);

        if (due != 0 && (next == 0 || due < next)) {
            next = due;
        }
    }

    return next;
}

void
um_redis_servers_stop(um_redis_servers_t *rs)
{
    uint32_t i;

    if (rs->common.stopping) {
        return;
    }

    rs->common.stopping = true;
    for (i = 0; i < rs->count; i++) {
        um_redis_child_stop(&rs->child[i]);
    }
}

bool
um_redis_servers_are_alive(const um_redis_servers_t *rs)
{
    uint32_t i;

    for (i = 0; i < rs->count; i++) {
        if (rs->child[i].proc.pid != 0) {
            return true;
        }
    }

    return false;
}
