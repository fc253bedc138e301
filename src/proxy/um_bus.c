/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/um_log.h"
#include "core/um_str.h"

#define BUS_PIECE    60000
#define BUS_ASKS     64
#define BUS_ANSWERS  256         /* being sent, at most */
#define BUS_ANSWER   (64u << 20) /* bytes of all answers to a question */
#define BUS_WAIT_NS  1000000000ull
#define BUS_RETRY_MS 2
#define BUS_PER_TURN 64

enum { BUS_WAKE, BUS_QUESTION, BUS_PART, BUS_END };

typedef struct {
    uint32_t kind;
    uint32_t what;
    uint32_t from; /* row */
    uint32_t pad;
    uint64_t ask; /* the asker's number of it */
} header_t;

/* A question of ours that waits for answers. */
typedef struct {
    um_list_t link;
    uint64_t ask;
    uint64_t until_ns;
    uint32_t left;
    um_sbuf_t text;
    um_bus_done_pt done;
    void *data;
    bool waits[]; /* by row */
} ask_t;

/* An answer of ours that has not fully gone out. */
struct um_bus_answer_s {
    um_list_t link;
    uint32_t to;
    bool ended; /* nothing more will be added */
    uint64_t ask;
    um_sbuf_t text;
    size_t off;
};

struct um_bus_s {
    um_worker_t *w;
    um_io_t io;
    um_timer_t *timer; /* full inboxes, questions without others to ask */
    um_bus_answer_pt serve[8];
    uint64_t next_ask;
    um_list_t asks;
    uint32_t ask_count;
    um_list_t answers;
    uint32_t answer_count;
    char buf[sizeof(header_t) + BUS_PIECE];
};

static um_rc_t
bus_send(um_bus_t *bus, uint32_t row, const header_t *h, um_str_t text)
{
    const um_heritage_t *heritage = bus->w->heritage;
    struct iovec iov[2] = {
        { (void *) h, sizeof(*h) },
        { (void *) text.data, text.len },
    };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

    if (sendmsg(heritage->bus_out[row], &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    {
        return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? UM_AGAIN
                                                                     : UM_ERR;
    }

    return UM_OK;
}

static void
ask_end(um_bus_t *bus, ask_t *a)
{
    um_list_del(&a->link);
    bus->ask_count--;
    a->done(
        a->data, (um_str_t){ a->text.data, a->text.failed ? 0 : a->text.len });
    um_sbuf_deinit(&a->text);
    free(a);
}

static void
answer_free(um_bus_t *bus, um_bus_answer_t *a)
{
    um_list_del(&a->link);
    bus->answer_count--;
    um_sbuf_deinit(&a->text);
    free(a);
}

/* Send as much as the inbox takes.  UM_AGAIN: it is full. */
static um_rc_t
answer_send(um_bus_t *bus, um_bus_answer_t *a)
{
    header_t h = { .from = bus->w->heritage->row, .ask = a->ask };
    um_rc_t rc;

    do {
        size_t n = um_min(a->text.len - a->off, (size_t) BUS_PIECE);

        h.kind = a->off + n == a->text.len ? BUS_END : BUS_PART;
        rc = bus_send(bus, a->to, &h,
            n == 0 ? um_lit("") : (um_str_t){ a->text.data + a->off, n });
        if (rc == UM_AGAIN) {
            return UM_AGAIN;
        }
        a->off += n;
    } while (h.kind == BUS_PART && rc == UM_OK);

    answer_free(bus, a);
    return UM_OK;
}

static void
bus_on_question(um_bus_t *bus, const header_t *h, um_str_t text)
{
    um_bus_answer_t *a;

    if (h->what >= um_countof(bus->serve) || bus->serve[h->what] == NULL
        || h->from >= bus->w->shm->workers->rows
        || bus->answer_count >= BUS_ANSWERS)
    {
        return; /* the asker goes on without us when its time is over */
    }

    a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return;
    }

    a->to = h->from;
    a->ask = h->ask;
    um_list_add_tail(&bus->answers, &a->link);
    bus->answer_count++;
    bus->serve[h->what](bus->w, text, a);
}

um_sbuf_t *
um_bus_answer_text(um_bus_answer_t *a)
{
    return &a->text;
}

void
um_bus_answer_end(um_bus_t *bus, um_bus_answer_t *a)
{
    a->ended = true;
    if (a->text.failed) {
        um_sbuf_deinit(&a->text);
    }

    if (answer_send(bus, a) == UM_AGAIN) {
        um_timer_start(bus->timer, BUS_RETRY_MS);
    }
}

static void
bus_on_answer(um_bus_t *bus, const header_t *h, um_str_t text)
{
    um_list_each(l, &bus->asks)
    {
        ask_t *a = um_list_entry(l, ask_t, link);

        if (a->ask != h->ask) {
            continue;
        }
        if (h->from >= bus->w->shm->workers->rows || !a->waits[h->from]) {
            return;
        }
        if (a->text.len + text.len <= BUS_ANSWER) {
            um_sbuf_add_str(&a->text, text);
        }
        if (h->kind == BUS_END) {
            a->waits[h->from] = false;
            if (--a->left == 0) {
                ask_end(bus, a);
            }
        }
        return;
    }
}

static void
bus_on_readable(void *data)
{
    um_bus_t *bus = data;

    for (int i = 0; i < BUS_PER_TURN; i++) {
        ssize_t n = recv(bus->io.fd, bus->buf, sizeof(bus->buf), MSG_DONTWAIT);
        header_t h;
        um_str_t text;

        if (n < (ssize_t) sizeof(h)) {
            return;
        }

        memcpy(&h, bus->buf, sizeof(h));
        text = (um_str_t){ bus->buf + sizeof(h), (size_t) n - sizeof(h) };

        switch (h.kind) {
        case BUS_QUESTION:
            bus_on_question(bus, &h, text);
            break;
        case BUS_PART:
        case BUS_END:
            bus_on_answer(bus, &h, text);
            break;
        default:
            break; /* BUS_WAKE: this turn is all it wants */
        }
    }
}

static void
bus_on_timer(void *data)
{
    um_bus_tick(data);
}

um_bus_t *
um_bus_new(um_worker_t *w)
{
    um_bus_t *bus = calloc(1, sizeof(*bus));

    if (bus == NULL) {
        goto fail;
    }

    bus->w = w;
    um_list_init(&bus->asks);
    um_list_init(&bus->answers);
    bus->timer = um_timer_new(w->loop, bus_on_timer, bus);
    if (bus->timer == NULL
        || um_io_open(&bus->io, w->loop, w->heritage->bus_in, bus_on_readable,
               NULL, bus)
               != UM_OK)
    {
        goto fail;
    }

    if (um_io_want_read(&bus->io, true) != UM_OK) {
        um_io_close(&bus->io);
        goto fail;
    }

    return bus;

fail:
    um_log_error(errno, "worker bus: cannot be set up");
    if (bus != NULL) {
        um_timer_free(bus->timer);
    }
    free(bus);
    return NULL;
}

void
um_bus_free(um_bus_t *bus)
{
    while (!um_list_is_empty(&bus->asks)) {
        ask_end(bus, um_list_entry(bus->asks.next, ask_t, link));
    }
    while (!um_list_is_empty(&bus->answers)) {
        answer_free(
            bus, um_list_entry(bus->answers.next, um_bus_answer_t, link));
    }
    um_io_close(&bus->io);
    um_timer_free(bus->timer);
    free(bus);
}

void
um_bus_serve(um_bus_t *bus, um_bus_what_t what, um_bus_answer_pt answer)
{
    um_assert(what < um_countof(bus->serve));
    bus->serve[what] = answer;
}

/* Does whoever is in this row listen? */
static bool
row_listens(const um_row_sh_t *row)
{
    uint32_t state = atomic_load_explicit(&row->state, memory_order_acquire);

    return state == UM_ROW_RUNNING || state == UM_ROW_DRAINING;
}

um_rc_t
um_bus_ask(um_bus_t *bus, um_bus_what_t what, um_str_t question,
    um_bus_done_pt done, void *data)
{
    um_worker_t *w = bus->w;
    uint32_t rows = w->shm->workers->rows;
    header_t h = { .kind = BUS_QUESTION,
        .what = what,
        .from = w->heritage->row,
        .ask = bus->next_ask++ };
    ask_t *a;

    if (bus->ask_count >= BUS_ASKS || question.len > BUS_PIECE) {
        return UM_ERR;
    }

    a = calloc(1, sizeof(*a) + rows * sizeof(a->waits[0]));
    if (a == NULL) {
        return UM_ERR;
    }

    a->ask = h.ask;
    a->until_ns = um_worker_now(w) + BUS_WAIT_NS;
    a->done = done;
    a->data = data;
    um_list_add_tail(&bus->asks, &a->link);
    bus->ask_count++;

    for (uint32_t i = 0; i < rows; i++) {
        if (i != h.from && row_listens(&w->shm->workers->row[i])
            && bus_send(bus, i, &h, question) == UM_OK)
        {
            a->waits[i] = true;
            a->left++;
        }
    }

    if (a->left == 0) {
        um_timer_start(bus->timer, 0);
    }
    return UM_OK;
}

void
um_bus_wake_all(um_bus_t *bus)
{
    um_worker_t *w = bus->w;
    header_t h = { .kind = BUS_WAKE, .from = w->heritage->row };

    for (uint32_t i = 0; i < w->shm->workers->rows; i++) {
        if (i != h.from && row_listens(&w->shm->workers->row[i])) {
            /* A full inbox wakes as well. */
            (void) bus_send(bus, i, &h, (um_str_t){ "", 0 });
        }
    }
}

void
um_bus_tick(um_bus_t *bus)
{
    uint64_t now = um_worker_now(bus->w);
    bool is_full = false;

    um_list_each_safe(l, &bus->answers)
    {
        um_bus_answer_t *a = um_list_entry(l, um_bus_answer_t, link);

        if (a->ended && answer_send(bus, a) == UM_AGAIN) {
            is_full = true;
        }
    }

    um_list_each_safe(l, &bus->asks)
    {
        ask_t *a = um_list_entry(l, ask_t, link);

        if (a->left == 0 || now >= a->until_ns) {
            ask_end(bus, a);
        }
    }

    if (is_full) {
        um_timer_start(bus->timer, BUS_RETRY_MS);
    }
}
