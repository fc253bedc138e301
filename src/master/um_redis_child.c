/*
 * um_redis_child.c -- see um_redis_child.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_redis_child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"

#define NS_PER_MS UINT64_C(1000000)

/* A fork that failed: try again after. */
#define CHILD_RETRY_MS UINT64_C(1000)

/* A redis-server that cannot save refuses to stop, and forgets that it was to:
 * tell it again after.  Not SIGINT, the second of which ends it without. */
#define CHILD_AGAIN_MS UINT64_C(1000)

/* A word of redis.conf, quoted. */
static void
conf_word(um_sbuf_t *out, const char *word)
{
    um_sbuf_addz(out, "\"");

    for (; *word != '\0'; word++) {
        unsigned char c = (unsigned char) *word;

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            um_sbuf_addf(out, "\\x%02x", c);
        } else {
            um_sbuf_add(out, word, 1);
        }
    }

    um_sbuf_addz(out, "\"");
}

static void
conf_line(um_sbuf_t *out, const char *name, const char *word)
{
    um_sbuf_addf(out, "%s ", name);
    conf_word(out, word);
    um_sbuf_addz(out, "\n");
}

void
um_redis_child_conf(const um_redis_child_t *c, um_sbuf_t *out)
{
    const um_redis_conf_t *conf = c->common->conf;
    uint32_t i;

    um_sbuf_addz(out, "daemonize no\nsupervised no\n");
    conf_line(out, "dir", c->dir);
    um_sbuf_addf(out, "appendonly %s\n", conf->appendonly ? "yes" : "no");
    um_sbuf_addz(out, "logfile redis.log\n"); /* below dir */

    if (c->addr->kind == UM_ADDR_UNIX) {
        um_sbuf_addz(out, "port 0\nunixsocketperm 700\n");
        conf_line(out, "unixsocket", c->addr->text + strlen("unix:"));
    } else {
        um_sbuf_addf(out, "port %u\n", c->addr->port);
        conf_line(out, "bind", c->addr->host);
    }

    /* Whose data are right is not for it to say: nobody writes to it, and it
     * syncs with nobody, until SETREPL tells what it is. */
    um_sbuf_addz(out, "slaveof 127.0.0.1 0\n");

    if (conf->maxmemory != 0) {
        um_sbuf_addf(out, "maxmemory %" PRIu64 "\n", conf->maxmemory);
    }

    if (conf->maxmemory_policy != NULL) {
        conf_line(out, "maxmemory-policy", conf->maxmemory_policy);
    }

    if (c->common->password != NULL) {
        conf_line(out, "requirepass", c->common->password);
        conf_line(out, "masterauth", c->common->password);
    }

    /* Last, so that they win. */
    for (i = 0; i < conf->set_count; i++) {
        um_sbuf_addf(out, "%s %s\n", conf->set[i].name, conf->set[i].value);
    }
}

/* --- The child ----------------------------------------------------------- */

/* Passwords are in it, so it neither lies on a disk nor in ps: it is what the
 * server finds on its standard input. */
static um_rc_t
child_give_conf(const um_redis_child_t *c)
{
    um_sbuf_t text = { 0 };
    um_rc_t rc = UM_ERR;
    int fd = memfd_create("redis.conf", MFD_CLOEXEC);

    um_redis_child_conf(c, &text);

    if (fd == -1 || text.failed
        || write(fd, text.data, text.len) != (ssize_t) text.len
        || lseek(fd, 0, SEEK_SET) == -1 || dup2(fd, STDIN_FILENO) == -1)
    {
        um_log_error(errno, "its configuration cannot be passed");
    } else {
        rc = UM_OK;
    }

    if (fd > STDERR_FILENO) {
        close(fd);
    }

    um_sbuf_deinit(&text);
    return rc;
}

/* Life of the child, until it is another program. */
static int
child_run(int channel UM_UNUSED, void *data)
{
    const um_redis_child_t *c = data;
    const char *server = c->common->server;

    /* A terminal's Ctrl-C is for the master: we stop last. */
    if (setsid() == -1) {
        um_log_error(errno, "setsid failed");
    }

    if (um_user_become(&c->common->user) != UM_OK
        || child_give_conf(c) != UM_OK) {
        return EXIT_FAILURE;
    }

    /* Should the master be killed, we stop as well, in order; this is lost
     * when the user changes, so not before. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1
        || getppid() != c->common->master) {
        return EXIT_FAILURE;
    }

    execl(server, server, "-", (char *) NULL);
    um_log_error(errno, "%s cannot be executed", server);
    return EXIT_FAILURE;
}

/* --- The master ---------------------------------------------------------- */

static void
child_on_ended(um_proc_t *p, int status)
{
    um_redis_child_t *c = um_container_of(p, um_redis_child_t, proc);
    char how[96];

    um_proc_status_format(status, how, sizeof(how));

    if (c->common->stopping) {
        um_log_info(0, "%s: %s", p->name, how);
        return;
    }

    um_log_error(0,
        "%s: %s, see %s/redis.log; it starts again in %" PRIu64 " ms", p->name,
        how, c->dir, p->pause_ms);
}

/* "7001", or the socket's file name without what a path needs. */
static void
child_format_id(const um_addr_t *addr, char *out, size_t size)
{
    const char *slash = strrchr(addr->text, '/');

    if (addr->kind == UM_ADDR_UNIX) {
        snprintf(out, size, "%s", slash == NULL ? addr->text : slash + 1);
    } else {
        snprintf(out, size, "%u", addr->port);
    }
}

um_rc_t
um_redis_child_init(
    um_redis_child_t *c, const um_redis_common_t *common, const um_addr_t *addr)
{
    char name[UM_PROC_NAME_MAX + 1];
    char id[UM_ADDR_TEXT_MAX + 1];

    child_format_id(addr, id, sizeof(id));
    snprintf(name, sizeof(name), "redis %.24s", id);

    memset(c, 0, sizeof(*c));
    um_proc_init(&c->proc, name, child_on_ended);
    c->common = common;
    c->addr = addr;

    if (asprintf(&c->dir, "%s/%s", common->conf->dir, id) == -1) {
        c->dir = NULL;
        um_log_error(ENOMEM, "%s", name);
        return UM_ERR;
    }

    return UM_OK;
}

void
um_redis_child_deinit(um_redis_child_t *c)
{
    free(c->dir);
    c->dir = NULL;
}

static um_rc_t
child_mkdir(const um_redis_child_t *c)
{
    if (mkdir(c->dir, 0750) == -1) {
        if (errno == EEXIST) {
            return UM_OK;
        }

        um_log_error(
            errno, "%s: directory %s cannot be made", c->proc.name, c->dir);
        return UM_ERR;
    }

    um_user_own(&c->common->user, c->dir);
    return UM_OK;
}

static void
child_start(um_redis_child_t *c, uint64_t now)
{
    if (child_mkdir(c) != UM_OK
        || um_proc_start(&c->proc, UM_SIGNAL_CHILD_FOREIGN, child_run, c)
               != UM_OK)
    {
        c->proc.due_ns = now + CHILD_RETRY_MS * NS_PER_MS;
    }
}

uint64_t
um_redis_child_tick(um_redis_child_t *c, uint64_t now)
{
    if (c->proc.pid == 0) {
        if (c->common->stopping) {
            return 0;
        }

        if (c->proc.due_ns <= now) {
            child_start(c, now);
        }

        return c->proc.pid == 0 ? c->proc.due_ns : 0;
    }

    if (c->deadline_ns == 0) {
        return 0;
    }

    if (c->deadline_ns <= now) {
        um_log_error(0, "%s: does not stop, see %s/redis.log; it is killed",
            c->proc.name, c->dir);
        um_proc_signal(&c->proc, SIGKILL);
        c->deadline_ns = 0;
        return 0;
    }

    if (c->again_ns <= now) {
        um_log_notice(
            0, "%s: has not stopped yet, is told again", c->proc.name);
        um_proc_signal(&c->proc, SIGTERM);
        c->again_ns = now + CHILD_AGAIN_MS * NS_PER_MS;
    }

    return um_min(c->again_ns, c->deadline_ns);
}

void
um_redis_child_stop(um_redis_child_t *c)
{
    uint64_t now = um_clock_ns();

    um_proc_signal(&c->proc, SIGTERM);
    c->again_ns = now + CHILD_AGAIN_MS * NS_PER_MS;
    c->deadline_ns = now + c->common->conf->stop_timeout * NS_PER_MS;
}
