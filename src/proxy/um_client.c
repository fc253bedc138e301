/*
 * Life and bytes of a client.  What its commands mean is um_dispatch.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_backend.h"
#include "proxy/um_block.h"
#include "proxy/um_client_in.h"
#include "proxy/um_client_walk.h"
#include "proxy/um_worker.h"

#define IOV_COUNT 64

static void client_on_writable(void *data);

/* Redis counts over all threads, so do we over all workers; but the
 * descriptors are each one's own. */
static bool
clients_full(const um_worker_t *w)
{
    const um_workers_sh_t *sh = w->shm->workers;
    uint64_t sum = 0;

    if (w->client_count >= w->fds.clients) {
        return true;
    }

    for (uint32_t i = 0; i < sh->rows; i++) {
        uint32_t state =
            atomic_load_explicit(&sh->row[i].state, memory_order_relaxed);

        if (state == UM_ROW_RUNNING || state == UM_ROW_DRAINING) {
            sum +=
                atomic_load_explicit(&sh->row[i].clients, memory_order_relaxed);
        }
    }

    return sum >= w->conf->max_clients;
}

static void
client_refuse(um_worker_t *w, int fd, const char *text)
{
    um_stat_add(w->row, UM_STAT_CLIENTS_REFUSED, 1);

    /* One small write into an empty socket buffer; whether it arrives is the
     * client's affair. */
    if (write(fd, text, strlen(text)) < 0) {
        um_log_debug(errno, "client: refused, and could not be told");
    }
    (void) close(fd);
}

static void
client_init(um_client_t *c, um_worker_t *w, bool control,
    const struct sockaddr *peer, socklen_t peer_len)
{
    memset(c, 0, sizeof(*c));
    c->w = w;
    c->io.fd = -1;
    um_list_init(&c->link);
    um_list_init(&c->wait_link);
    um_list_init(&c->dirty_link);
    um_list_init(&c->resume_link);

    c->st.id = 1
               + atomic_fetch_add_explicit(
                   &w->shm->workers->next_client_id, 1, memory_order_relaxed);
    c->st.created_us = um_clock_wall_us();
    c->st.proto = 2;
    c->st.authenticated = w->conf->password == NULL;
    c->st.control_listener = control;
    memset(c->wrote, 0xff, sizeof(c->wrote));
    c->last_ns = um_worker_now(w);
    c->reply_mean = UM_CLIENT_REPLY_GUESS;
    memcpy(&c->peer, peer, peer_len);
    c->peer_len = peer_len;
}

/* As Redis does it: who has vanished without a word is known after some ten
 * minutes.  One that blocks would be fed for ever otherwise. */
static void
client_keep_alive(int fd)
{
    int on = 1, idle = 300, pause = 100, count = 3;

    (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &pause, sizeof(pause));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

um_rc_t
um_client_start(um_worker_t *w, int fd, bool control,
    const struct sockaddr *peer, socklen_t peer_len)
{
    um_client_t *c;
    int on = 1;

    if (clients_full(w) && !control) {
        client_refuse(w, fd, "-ERR max number of clients reached\r\n");
        return UM_ERR;
    }

    c = um_slab_get(&w->client_slab);
    if (c == NULL) {
        client_refuse(w, fd, "-ERR out of memory\r\n");
        return UM_ERR;
    }

    client_init(c, w, control, peer, peer_len);
    if (peer->sa_family != AF_UNIX) {
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        client_keep_alive(fd);
    }

    if (um_io_open(
            &c->io, w->loop, fd, um_client_on_readable, client_on_writable, c)
        != UM_OK)
    {
        client_refuse(w, fd, "-ERR out of memory\r\n");
        um_slab_put(&w->client_slab, c);
        return UM_ERR;
    }
    if (um_io_want_read(&c->io, true) != UM_OK) {
        um_stat_add(w->row, UM_STAT_CLIENTS_REFUSED, 1);
        um_io_close(&c->io);
        um_slab_put(&w->client_slab, c);
        return UM_ERR;
    }

    um_list_add_tail(&w->clients, &c->link);
    w->client_count++;
    atomic_store_explicit(
        &w->row->clients, w->client_count, memory_order_relaxed);
    um_stat_add(w->row, UM_STAT_CLIENTS_ACCEPTED, 1);
    return UM_OK;
}

/* Nobody waits for its unanswered commands any more. */
static void
client_orphan_all(um_client_t *c)
{
    while (c->head != NULL) {
        um_req_t *r = c->head;

        c->head = r->next;
        um_req_orphan(r);
    }

    c->tail = NULL;
    c->barrier = NULL;
    um_block_mark(c, false);
    c->pending = 0;
    c->held = 0;
}

void
um_client_kill(um_client_t *c)
{
    um_worker_t *w = c->w;

    if (c->dead) {
        return;
    }

    c->dead = true;
    client_orphan_all(c);
    um_io_close(&c->io);
    um_chain_free(&c->out, &w->chunks);
    um_client_in_free(c);
    um_list_del(&c->wait_link);
    um_list_del(&c->dirty_link);
    um_list_del(&c->resume_link);
    um_client_walk_left(c);
    um_list_del(&c->link);
    um_list_add_tail(&w->dead_clients, &c->link);
    w->client_count--;
    atomic_store_explicit(
        &w->row->clients, w->client_count, memory_order_relaxed);
}

void
um_client_reap(um_worker_t *w)
{
    um_list_each_safe(l, &w->dead_clients)
    {
        um_client_t *c = um_list_entry(l, um_client_t, link);

        um_list_del(l);
        free(c->st.name);
        free(c->st.lib_name);
        free(c->st.lib_ver);
        um_slab_put(&w->client_slab, c);
    }
}

void
um_client_cut(um_client_t *c)
{
    client_orphan_all(c);
    um_list_del(&c->wait_link);
    c->waiting_for = NULL;
    um_client_close_after(c);
}

void
um_client_add_write(um_client_t *c, uint64_t gen, uint16_t addr)
{
    if (c->wrote_gen != gen) {
        /* Its numbers mean something else now. */
        c->wrote_gen = gen;
        if (c->wrote_count > 0) {
            c->wrote_count = UM_CLIENT_WROTE + 1;
        }
    }

    for (uint32_t i = 0; i < um_min(c->wrote_count, UM_CLIENT_WROTE); i++) {
        if (c->wrote[i] == addr) {
            return;
        }
    }

    if (c->wrote_count < UM_CLIENT_WROTE) {
        c->wrote[c->wrote_count++] = addr;
    } else {
        c->wrote_count = UM_CLIENT_WROTE + 1;
    }
}

void
um_client_close_after(um_client_t *c)
{
    if (c->dead) {
        return;
    }

    c->closing = true;
    um_client_in_free(c);
    if (um_io_want_read(&c->io, false) != UM_OK) {
        um_client_kill(c);
        return;
    }
    um_client_dirty(c);
}

void
um_client_dirty(um_client_t *c)
{
    if (um_list_is_empty(&c->dirty_link) && !c->dead) {
        um_list_add_tail(&c->w->dirty_clients, &c->dirty_link);
    }
}

void
um_client_resume(um_client_t *c)
{
    if (um_list_is_empty(&c->resume_link) && !c->dead) {
        um_list_add_tail(&c->w->resumed, &c->resume_link);
    }
}

void
um_client_maybe_resume(um_client_t *c)
{
    if (c->paused && c->waiting_for == NULL && (!c->drain || c->pending == 0)) {
        um_client_resume(c);
    }
}

void
um_client_wait_for(um_client_t *c, um_backend_t *b)
{
    c->waiting_for = b;
    um_list_add_tail(&b->waiters, &c->wait_link);
}

void
um_client_flush(um_client_t *c)
{
    um_worker_t *w = c->w;
    struct iovec iov[IOV_COUNT];

    um_list_del(&c->dirty_link);

    while (c->out.len > 0) {
        int count = um_chain_iov(&c->out, iov, IOV_COUNT);
        ssize_t n = um_send(c->io.fd, iov, count);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN || um_io_want_write(&c->io, true) != UM_OK) {
                um_client_kill(c);
            }
            return;
        }

        c->last_ns = um_worker_now(w);
        c->bytes_out += (uint64_t) n;
        um_stat_add(w->row, UM_STAT_BYTES_OUT, (uint64_t) n);
        um_chain_consume(&c->out, &w->chunks, (size_t) n);
    }

    if (c->io.writing && um_io_want_write(&c->io, false) != UM_OK) {
        um_client_kill(c);
        return;
    }

    if (c->closing && c->head == NULL) {
        um_client_kill(c);
    } else if (um_unlikely(c->paused)) {
        um_client_maybe_resume(c);
    }
}

static void
client_on_writable(void *data)
{
    um_client_flush(data);
}

bool
um_client_has_control(const um_client_t *c)
{
    const um_proxy_conf_t *conf = c->w->conf;

    if (conf->password == NULL || c->st.authenticated || c->st.control_listener)
    {
        return true;
    }

    for (uint32_t i = 0; i < conf->control_allow_count; i++) {
        if (um_cidr_match(
                &conf->control_allow[i], (const struct sockaddr *) &c->peer)) {
            return true;
        }
    }

    return false;
}

uint64_t
um_client_memory(const um_client_t *c)
{
    return sizeof(*c) + c->in.cap + c->out.len + c->held
           + c->pending * sizeof(um_req_t);
}
