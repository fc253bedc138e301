/*
 * um_guests.c -- see um_guests.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_guests.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "master/um_host_api.h"

#define NS_PER_MS UINT64_C(1000000)

/* From 'q' to 't', and from there to SIGKILL. */
#define GUEST_GRACE_MS 5000

/* A fork that failed: try again after. */
#define GUEST_RETRY_MS UINT64_C(200)

/* What the channel says; see um_proc_env_t. */
enum { GUEST_FINISH = 'q', GUEST_LEAVE = 't', GUEST_REOPEN = 'o' };

typedef struct {
    um_proc_t proc;
    um_list_t link;
    um_guests_t *all;
    const um_proc_def_t *def;
    const um_module_t *module;
    const um_cycle_t *cycle; /* gone when `old`         */
    bool old;                /* is not to start again   */
    char told;               /* the last word; 0: none  */
    uint64_t deadline_ns;    /* to obey it; 0: none     */
} guest_t;

#define guests_each(g, gs)                                                     \
    um_list_each_safe(g##_link,                                                \
        &(gs)->all) for (guest_t *g = um_list_entry(g##_link, guest_t, link);  \
                         g != NULL; g = NULL)

/*
 * The sockets that are for this process, under numbers of their own: all of
 * the master's are closed in a child.  NULL: logged.
 */
static um_proc_listen_t *
guest_listeners(const guest_t *g, uint32_t *count)
{
    const um_cycle_t *cy = g->cycle;
    um_proc_listen_t *mine;
    size_t sockets = 1; /* never none: calloc(0) is hard to tell from failure */

    for (uint32_t i = 0; i < cy->listener_count; i++) {
        sockets += cy->listener[i].fd_count;
    }

    *count = 0;
    mine = calloc(sockets, sizeof(*mine));
    if (mine == NULL) {
        um_log_error(ENOMEM, "listening sockets");
        return NULL;
    }

    for (uint32_t i = 0; i < cy->listener_count; i++) {
        const um_listener_t *l = &cy->listener[i];

        for (uint32_t k = 0; l->owner == g->module && k < l->fd_count; k++) {
            int fd = fcntl(l->fd[k], F_DUPFD_CLOEXEC, 0);

            if (fd == -1) {
                um_log_error(errno, "listen %s: dup failed", l->addr->text);
                free(mine);
                return NULL;
            }

            mine[*count].fd = fd;
            mine[*count].addr = l->addr;
            (*count)++;
        }
    }

    return mine;
}

/* Life of the process. */
static int
guest_run(int channel, void *data)
{
    const guest_t *g = data;
    um_proc_listen_t *mine;
    int code;
    um_proc_env_t env = {
        .size = sizeof(env),
        .api = um_host_api(),
        .cycle = g->cycle,
        .conf = um_conf_block(g->cycle->conf, g->module->name),
        .channel = channel,
    };
    char title[64];

    snprintf(title, sizeof(title), "undermoond: %s", g->def->name);
    um_proc_title(title);

    mine = guest_listeners(g, &env.listen_count);
    env.listen = mine;
    g->all->on_fork(g->all->data);

    if (mine == NULL || um_user_become(&g->cycle->user) != UM_OK) {
        free(mine);
        return EXIT_FAILURE;
    }

    code = g->def->run(&env);
    free(mine);
    return code;
}

static void
guest_on_ended(um_proc_t *p, int status)
{
    guest_t *g = um_container_of(p, guest_t, proc);
    char how[96];

    um_proc_status_format(status, how, sizeof(how));
    g->deadline_ns = 0;

    if (g->old || g->all->leaving) {
        um_log_info(0, "%s: %s", p->name, how);
        return;
    }

    um_log_error(0, "%s: %s; another one starts in %" PRIu64 " ms", p->name,
        how, p->pause_ms);
    g->told = 0;
}

static void
guest_free(guest_t *g)
{
    um_list_del(&g->link);
    free(g);
}

static void
guest_tell(guest_t *g, char word)
{
    char had = g->told;

    if (g->proc.pid == 0) {
        return;
    }

    if (write(g->proc.channel, &word, 1) != 1) {
        um_log_warn(errno, "%s: does not listen", g->proc.name);
    }

    if (word != GUEST_REOPEN && word != had) {
        g->told = word;
        g->deadline_ns = um_clock_ns() + g->all->grace_ms * NS_PER_MS;
    }
}

void
um_guests_init(um_guests_t *gs, void (*on_fork)(void *data), void *data)
{
    memset(gs, 0, sizeof(*gs));
    um_list_init(&gs->all);
    gs->grace_ms = GUEST_GRACE_MS;
    gs->on_fork = on_fork;
    gs->data = data;
}

void
um_guests_deinit(um_guests_t *gs)
{
    guests_each(g, gs)
    {
        guest_free(g);
    }
}

static um_rc_t
guests_add(um_guests_t *gs, const um_cycle_t *cy, const um_module_t *module,
    const um_proc_def_t *def)
{
    guest_t *g = calloc(1, sizeof(*g));

    if (g == NULL) {
        um_log_error(ENOMEM, "%s", def->name);
        return UM_ERR;
    }

    um_proc_init(&g->proc, def->name, guest_on_ended);
    g->all = gs;
    g->def = def;
    g->module = module;
    g->cycle = cy;
    um_list_add_tail(&gs->all, &g->link);
    return UM_OK;
}

um_rc_t
um_guests_invite(um_guests_t *gs, const um_cycle_t *cy)
{
    const um_module_t *const *module;
    uint32_t count = um_conf_modules(cy->conf, &module);
    const um_proc_def_t *def;
    uint32_t i;

    guests_each(g, gs)
    {
        g->old = true;
        g->cycle = NULL;
        guest_tell(g, GUEST_FINISH);
    }

    for (i = 0; i < count; i++) {
        /* `module NAME;` alone gives the machine no such role. */
        if (um_conf_block(cy->conf, module[i]->name) == NULL) {
            continue;
        }

        for (def = module[i]->procs; def != NULL && def->name != NULL; def++) {
            if (guests_add(gs, cy, module[i], def) != UM_OK) {
                return UM_ERR;
            }
        }
    }

    return UM_OK;
}

void
um_guests_quit(um_guests_t *gs)
{
    gs->leaving = true;
    guests_each(g, gs)
    {
        guest_tell(g, GUEST_FINISH);
    }
}

void
um_guests_stop(um_guests_t *gs)
{
    gs->leaving = true;
    guests_each(g, gs)
    {
        guest_tell(g, GUEST_LEAVE);
    }
}

void
um_guests_reopen_logs(um_guests_t *gs)
{
    guests_each(g, gs)
    {
        guest_tell(g, GUEST_REOPEN);
    }
}

/* Is the one that `g` comes after still there? */
static bool
guest_must_wait(const guest_t *g)
{
    guests_each(other, g->all)
    {
        if (other->old && other->def == g->def && other->proc.pid != 0) {
            return true;
        }
    }

    return false;
}

static void
guest_start(guest_t *g, uint64_t now)
{
    if (um_proc_start(&g->proc, UM_SIGNAL_CHILD_GUEST, guest_run, g) != UM_OK) {
        g->proc.due_ns = now + GUEST_RETRY_MS * NS_PER_MS;
    }
}

static void
guest_escalate(guest_t *g)
{
    if (g->told == GUEST_FINISH) {
        guest_tell(g, GUEST_LEAVE);
        return;
    }

    um_log_error(0, "%s: does not leave, it is killed", g->proc.name);
    um_proc_signal(&g->proc, SIGKILL);
    g->deadline_ns = 0;
}

uint64_t
um_guests_tick(um_guests_t *gs, uint64_t now)
{
    uint64_t next = 0;
    uint64_t due;

    guests_each(g, gs)
    {
        if (g->proc.pid == 0 && (g->old || gs->leaving)) {
            guest_free(g);
            continue;
        }

        if (g->proc.pid == 0 && g->proc.due_ns <= now && !guest_must_wait(g)) {
            guest_start(g, now);
        }

        if (g->deadline_ns != 0 && g->deadline_ns <= now) {
            guest_escalate(g);
        }

        /* Waiting for another to leave has its SIGCHLD, not a time. */
        due = g->proc.pid == 0 ? g->proc.due_ns : g->deadline_ns;
        if (due > now && (next == 0 || due < next)) {
            next = due;
        }
    }

    return next;
}

bool
um_guests_are_alive(const um_guests_t *gs)
{
    guests_each(g, gs)
    {
        if (g->proc.pid != 0) {
            return true;
        }
    }

    return false;
}
