/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_addr.h"
#include "core/um_clock.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "net/um_resolve.h"

#define NS_PER_MS UINT64_C(1000000)

/* So many connections at once. */
#define ASK_BATCH 128

/* How often to look whether anybody still wants to know. */
#define ASK_LOOK_MS 100

/* An answer is ":18446744073709551615\r\n" at most; an error is longer, and
 * nobody reads it. */
#define ASK_REPLY 64

static const char ask_words[] = "*2\r\n$5\r\nUMCTL\r\n$8\r\nGETEPOCH\r\n";

typedef struct {
    ask_one_t *one;
    bool asked; /* connected, and the question is under way */
    uint64_t due_ns;
    size_t len;
    char reply[ASK_REPLY];
} asked_t;

um_rc_t
ask_add(ask_list_t *l, um_str_t address, size_t group)
{
    ask_one_t *one;

    if (l->count == l->room) {
        size_t room = l->room == 0 ? 16 : 2 * l->room;
        ask_one_t *list = realloc(l->list, room * sizeof(*list));

        if (list == NULL) {
            um_log_error(ENOMEM, "proxies to be asked");
            return UM_ERR;
        }
        l->list = list;
        l->room = room;
    }

    one = &l->list[l->count];
    *one = (ask_one_t){ .group = group };
    one->address = malloc(address.len + 1);
    if (one->address == NULL) {
        um_log_error(ENOMEM, "proxies to be asked");
        return UM_ERR;
    }

    memcpy(one->address, address.data, address.len);
    one->address[address.len] = '\0';

    l->count++;
    return UM_OK;
}

void
ask_deinit(ask_list_t *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->list[i].address);
    }

    free(l->list);
    l->list = NULL;
    l->count = l->room = 0;
}

/* ---- One of them -------------------------------------------------------- */

/* The first address of a name; false: it has none. */
static bool
ask_resolve(um_addr_t *a)
{
    um_resolved_t first;
    char port[8];

    snprintf(port, sizeof(port), "%u", a->port);
    if (um_resolve_nth(a->host, port, 0, &first) != 0) {
        return false;
    }

    memcpy(&a->sa, &first.sa, first.len);
    a->sa_len = first.len;
    return true;
}

/* A socket that connects; -1: it cannot. */
static int
ask_connect(const char *address)
{
    um_addr_t a;
    int fd;

    if (um_addr_parse(&a, um_str_of(address)) != NULL
        || (a.kind == UM_ADDR_NAME && !ask_resolve(&a)))
    {
        return -1;
    }

    fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (connect(fd, (struct sockaddr *) &a.sa, a.sa_len) == -1
        && errno != EINPROGRESS)
    {
        close(fd);
        return -1;
    }

    return fd;
}

/* It may be written to: connected, or not at all.  False: give up. */
static bool
ask_send(int fd, asked_t *a, uint64_t timeout)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 || err != 0) {
        return false;
    }

    /* So few bytes always fit into an empty socket. */
    if (send(fd, ask_words, sizeof(ask_words) - 1, MSG_NOSIGNAL)
        != (ssize_t) sizeof(ask_words) - 1)
    {
        return false;
    }

    a->asked = true;
    a->due_ns = um_clock_ns() + timeout * NS_PER_MS;
    return true;
}

/* False: there is nothing more to come. */
static bool
ask_receive(int fd, asked_t *a)
{
    ssize_t n = recv(fd, a->reply + a->len, sizeof(a->reply) - a->len, 0);
    const char *end;

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        return false;
    }

    a->len += (size_t) n;
    end = memmem(a->reply, a->len, "\r\n", 2);
    if (end == NULL) {
        return a->len < sizeof(a->reply);
    }

    a->one->answered = a->reply[0] == ':'
                       && um_str_to_u64((um_str_t){ a->reply + 1,
                                            (size_t) (end - a->reply) - 1 },
                              &a->one->epoch)
                              == UM_OK;
    return false;
}

/* ---- A batch ------------------------------------------------------------ */

static bool
ask_go_on(struct pollfd *p, asked_t *a, uint64_t timeout)
{
    if (p->revents != 0 && !a->asked && !ask_send(p->fd, a, timeout)) {
        return false;
    }

    if (p->revents & (POLLIN | POLLHUP | POLLERR) && a->asked
        && !ask_receive(p->fd, a))
    {
        return false;
    }

    p->events = a->asked ? POLLIN : POLLOUT;
    return um_clock_ns() < a->due_ns;
}

static void
ask_batch(ask_list_t *l, ask_one_t *list, size_t count)
{
    struct pollfd polls[ASK_BATCH];
    asked_t asked[ASK_BATCH];
    size_t alive = 0;

    for (size_t i = 0; i < count; i++) {
        int fd = ask_connect(list[i].address);

        if (fd != -1) {
            polls[alive] = (struct pollfd){ .fd = fd, .events = POLLOUT };
            asked[alive] = (asked_t){
                .one = &list[i],
                .due_ns = um_clock_ns() + l->timeout * NS_PER_MS,
            };
            alive++;
        }
    }

    while (alive > 0 && !l->leave) {
        (void) poll(polls, alive, ASK_LOOK_MS);
        for (size_t i = alive; i-- > 0;) {
            if (!ask_go_on(&polls[i], &asked[i], l->timeout)) {
                close(polls[i].fd);
                alive--;
                polls[i] = polls[alive];
                asked[i] = asked[alive];
            }
        }
    }

    while (alive > 0) {
        close(polls[--alive].fd);
    }
}

void
ask_run(ask_list_t *l)
{
    for (size_t i = 0; i < l->count && !l->leave; i += ASK_BATCH) {
        ask_batch(l, &l->list[i], um_min(l->count - i, (size_t) ASK_BATCH));
    }
}
