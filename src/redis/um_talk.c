/* SPDX-License-Identifier: Apache-2.0 */

#include "redis/um_talk.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "redis/um_talk_priv.h"

#define NS_PER_MS UINT64_C(1000000)

/* Words of um_talk_sayz(). */
#define TALK_WORDS 16

/* ---- Who may go --------------------------------------------------------- */

void
um_talk_enter(um_talk_t *t)
{
    t->depth++;
}

/* False: it is gone. */
bool
um_talk_leave(um_talk_t *t)
{
    if (--t->depth > 0 || !t->freed) {
        return !t->freed;
    }

    um_timer_free(t->timer);
    um_sbuf_deinit(&t->out);
    free(t);
    return false;
}

/* ---- Time --------------------------------------------------------------- */

static uint64_t
talk_earliest(const um_list_t *list, uint64_t due)
{
    um_list_each(l, list)
    {
        const talk_cmd_t *c = um_list_entry(l, talk_cmd_t, link);

        if (!c->over && (due == 0 || c->due_ns < due)) {
            due = c->due_ns;
        }
    }

    return due;
}

static bool
talk_connects(const um_talk_t *t)
{
    return t->state != TALK_IDLE && t->state != TALK_UP;
}

/* The timer runs when the next of us is late. */
void
um_talk_set_timer(um_talk_t *t)
{
    uint64_t now = um_loop_now(t->loop);
    uint64_t due = talk_connects(t) ? t->connect_due_ns : 0;

    if (t->failed) {
        um_timer_start(t->timer, 0);
        return;
    }

    due = talk_earliest(&t->waiting, due);
    due = talk_earliest(&t->said, due);
    if (due == 0) {
        um_timer_stop(t->timer);
    } else {
        um_timer_start(t->timer, due > now ? (due - now) / NS_PER_MS + 1 : 0);
    }
}

/* ---- Answers ------------------------------------------------------------ */

void
um_talk_answer(um_talk_t *t, talk_cmd_t *c, const um_talk_answer_t *a)
{
    if (!c->over && !t->freed) {
        c->done(c->data, a);
    }
}

/* Answer those of `list` without a reply, and forget them. */
static void
talk_answer_all(um_talk_t *t, um_list_t *list, uint64_t written)
{
    char why[sizeof(t->why)];
    um_talk_answer_t a = {
        .why = why,
        .refused = t->refused,
        .ours = t->ours,
    };

    memcpy(why, t->why, sizeof(why));
    while (!um_list_is_empty(list)) {
        talk_cmd_t *c = um_list_entry(list->next, talk_cmd_t, link);

        um_list_del(&c->link);
        a.end = c->begin < written ? UM_TALK_LOST : UM_TALK_UNSENT;
        um_talk_answer(t, c, &a);
        free(c);
    }
}

static void
talk_close(um_talk_t *t)
{
    um_talk_dial_cancel(t);
    um_io_close(&t->io);
    if (t->reader != NULL) {
        redisReaderFree(t->reader);
        t->reader = NULL;
    }

    um_sbuf_deinit(&t->out);
    t->out_pos = 0;
    t->unread = 0;
    t->failed = false;
    t->state = TALK_IDLE;
    t->connection++;
}

static bool
talk_is_ours(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS
           || err == EADDRNOTAVAIL || err == ENETUNREACH;
}

static void
talk_say_why(um_talk_t *t, int err, const char *why)
{
    t->refused = err == ECONNREFUSED;
    t->ours = talk_is_ours(err);
    (void) snprintf(t->why, sizeof(t->why), "%s%s%s", why, err != 0 ? ": " : "",
        err != 0 ? strerror(err) : "");
}

/* Close it and answer everybody.  Within um_talk_enter(). */
static void
talk_end(um_talk_t *t)
{
    uint64_t written = t->written;
    um_list_t said, waiting;

    talk_close(t);
    um_list_init(&said);
    um_list_init(&waiting);
    um_list_join(&said, &t->said);
    um_list_join(&waiting, &t->waiting);
    t->pending = 0;
    t->stream = t->written = 0;
    um_timer_stop(t->timer);

    talk_answer_all(t, &said, written);
    talk_answer_all(t, &waiting, 0);
}

/* `why` has been said: end. */
static void
talk_fail(um_talk_t *t)
{
    bool stood = t->state == TALK_UP;

    um_talk_enter(t);
    talk_end(t);
    if (stood && !t->freed && t->on_end != NULL) {
        t->on_end(t->end_data);
    }
    (void) um_talk_leave(t);
}

void
um_talk_fail(um_talk_t *t, int err, const char *why)
{
    talk_say_why(t, err, why);
    talk_fail(t);
}

void
um_talk_fail_here(um_talk_t *t, const char *why)
{
    talk_say_why(t, 0, why);
    t->ours = true;
    talk_fail(t);
}

void
um_talk_soon(um_talk_t *t, int err, const char *why)
{
    talk_say_why(t, err, why);
    t->failed = true;
    if (t->state == TALK_IDLE) {
        t->state = TALK_CONNECTING;
    }
    um_timer_start(t->timer, 0);
}

/* Those that are late.  Within um_talk_enter(). */
static void
talk_answer_late(um_talk_t *t, um_list_t *list, um_talk_end_t end)
{
    const um_talk_answer_t a = {
        .end = end,
        .why = "timed out",
        .ours = t->state == TALK_RESOLVING,
    };
    uint64_t now = um_loop_now(t->loop);
    uint64_t connection = t->connection;

    um_list_each_safe(l, list)
    {
        talk_cmd_t *c = um_list_entry(l, talk_cmd_t, link);

        if (c->over || c->due_ns > now) {
            continue;
        }

        if (end == UM_TALK_UNSENT) {
            um_list_del(&c->link);
            t->pending--;
            um_talk_answer(t, c, &a);
            free(c);
        } else {
            c->over = true;
            if (!t->freed) {
                c->done(c->data, &a);
            }
        }

        /* It may have hung up, and the list is another now. */
        if (t->freed || t->connection != connection) {
            return;
        }
    }
}

static void
talk_on_time(void *data)
{
    um_talk_t *t = data;
    uint64_t connection = t->connection;

    if (t->failed) {
        talk_fail(t); /* um_talk_soon() has said why */
        return;
    }

    if (talk_connects(t) && um_loop_now(t->loop) >= t->connect_due_ns) {
        if (t->state == TALK_RESOLVING) {
            um_talk_fail_here(t, "name is not resolved in time");
        } else {
            um_talk_fail(t, 0, "not connected in time");
        }
        return;
    }

    um_talk_enter(t);
    talk_answer_late(t, &t->waiting, UM_TALK_UNSENT);
    if (!t->freed && t->connection == connection) {
        talk_answer_late(t, &t->said, UM_TALK_LATE);
    }
    if (um_talk_leave(t)) {
        um_talk_set_timer(t);
    }
}

/* ---- Commands ----------------------------------------------------------- */

static void
talk_on_auth(void *data, const um_talk_answer_t *a)
{
    um_talk_t *t = data;

    if (a->end != UM_TALK_ANSWERED) {
        return; /* the connection ends, and says why */
    }

    /* Who has no password takes everybody, in one wording or another. */
    if (a->reply->type == REDIS_REPLY_ERROR
        && strstr(a->reply->str, "no password") == NULL
        && strstr(a->reply->str, "without any password") == NULL)
    {
        um_talk_soon(t, 0, "refused our password");
        return;
    }

    t->state = TALK_UP;
    um_talk_send(t);
}

/* AUTH alone; the others wait until it is answered. */
static um_rc_t
talk_greet(um_talk_t *t)
{
    um_str_t argv[3] = { um_lit("AUTH") };
    uint32_t argc = 1;
    um_list_t others;
    um_rc_t rc;

    if (t->conf.user != NULL) {
        argv[argc++] = um_str_of(t->conf.user);
    }
    argv[argc++] = um_str_of(t->conf.password);

    um_list_init(&others);
    um_list_join(&others, &t->waiting);
    t->state = TALK_GREETING;
    rc = um_talk_add(t, t->conf.connect_timeout, talk_on_auth, t, argc, argv);
    if (rc == UM_OK) {
        um_talk_send(t);
    }
    um_list_join(&t->waiting, &others);
    return rc;
}

/* Remember who the other end is. */
static void
talk_note_host(um_talk_t *t)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);

    t->host[0] = '\0';
    if (getpeername(t->io.fd, (struct sockaddr *) &ss, &len) == 0
        && ss.ss_family != AF_UNIX
        && getnameinfo((struct sockaddr *) &ss, len, t->host, sizeof(t->host),
               NULL, 0, NI_NUMERICHOST)
               != 0)
    {
        t->host[0] = '\0';
    }
}

static void
talk_connected(um_talk_t *t)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(t->io.fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1) {
        err = errno;
    }
    if (err != 0) {
        um_talk_fail(t, err, "connect failed");
        return;
    }

    if (um_io_want_write(&t->io, false) != UM_OK
        || um_io_want_read(&t->io, true) != UM_OK)
    {
        um_talk_fail(t, ENOMEM, "cannot be watched");
        return;
    }

    talk_note_host(t);
    if (t->conf.password == NULL) {
        t->state = TALK_UP;
        um_talk_send(t);
    } else if (talk_greet(t) != UM_OK) {
        um_talk_fail(t, ENOMEM, "AUTH");
        return;
    }
    um_talk_set_timer(t);
}

static void
talk_on_writable(void *data)
{
    um_talk_t *t = data;

    if (t->state == TALK_CONNECTING) {
        talk_connected(t);
    } else if (um_talk_write(t) != UM_OK) {
        um_talk_fail(t, errno, "send failed");
    }
}

void
um_talk_dialled(um_talk_t *t, int fd)
{
    t->reader = redisReaderCreate();
    if (t->reader == NULL
        || um_io_open(
               &t->io, t->loop, fd, um_talk_on_readable, talk_on_writable, t)
               != UM_OK)
    {
        (void) close(fd);
        um_talk_soon(t, ENOMEM, "connect failed");
        return;
    }

    t->state = TALK_CONNECTING;
    if (um_io_want_write(&t->io, true) != UM_OK) {
        um_talk_soon(t, ENOMEM, "cannot be watched");
    }
}

/* ---- From outside ------------------------------------------------------- */

um_talk_t *
um_talk_new(um_loop_t *loop, const um_addr_t *addr, const um_talk_conf_t *conf)
{
    um_talk_t *t = calloc(1, sizeof(*t));

    if (t != NULL) {
        t->timer = um_timer_new(loop, talk_on_time, t);
    }
    if (t == NULL || t->timer == NULL) {
        um_log_error(ENOMEM, "%s", addr->text);
        free(t);
        return NULL;
    }

    t->loop = loop;
    t->addr = *addr;
    t->conf = *conf;
    t->io.fd = -1;
    um_list_init(&t->waiting);
    um_list_init(&t->said);
    return t;
}

void
um_talk_free(um_talk_t *t)
{
    if (t == NULL || t->freed) {
        return;
    }

    um_talk_enter(t);
    t->freed = true;
    talk_end(t);
    (void) um_talk_leave(t);
}

static void
talk_start(um_talk_t *t)
{
    if (t->state == TALK_IDLE) {
        t->connect_due_ns =
            um_loop_now(t->loop) + t->conf.connect_timeout * NS_PER_MS;
        um_talk_dial(t);
    } else if (t->state == TALK_UP && !t->failed) {
        um_talk_send(t);
    }
}

um_rc_t
um_talk_say(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    uint32_t argc, const um_str_t *argv)
{
    if (t->freed || t->pending >= t->conf.commands_max
        || um_talk_add(t, timeout, done, data, argc, argv) != UM_OK)
    {
        return UM_ERR;
    }

    talk_start(t);
    um_talk_set_timer(t);
    return UM_OK;
}

um_rc_t
um_talk_say_pieces(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    const um_str_t *piece, uint32_t pieces)
{
    if (t->freed || t->pending >= t->conf.commands_max
        || um_talk_add_pieces(t, timeout, done, data, piece, pieces) != UM_OK)
    {
        return UM_ERR;
    }

    talk_start(t);
    um_talk_set_timer(t);
    return UM_OK;
}

um_rc_t
um_talk_sayz(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    const char *words)
{
    um_str_t argv[TALK_WORDS];
    uint32_t argc = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        um_assert(argc < TALK_WORDS);
        argv[argc++] = (um_str_t){ words, len };
        words += len;
        words += *words == ' ';
    }

    return um_talk_say(t, timeout, done, data, argc, argv);
}

/* A late one is over, too: its place is kept until the answer comes. */
static void
talk_disown_in(um_list_t *list, const void *data)
{
    um_list_each(l, list)
    {
        talk_cmd_t *c = um_list_entry(l, talk_cmd_t, link);

        c->over |= c->data == data;
    }
}

void
um_talk_disown(um_talk_t *t, const void *data)
{
    talk_disown_in(&t->waiting, data);
    talk_disown_in(&t->said, data);
}

void
um_talk_hang_up(um_talk_t *t, const char *why)
{
    um_talk_enter(t);
    talk_say_why(t, 0, why);
    talk_end(t);
    (void) um_talk_leave(t);
}

void
um_talk_on_end(um_talk_t *t, um_io_pt on_end, void *data)
{
    t->on_end = on_end;
    t->end_data = data;
}

bool
um_talk_is_up(const um_talk_t *t)
{
    return t->state == TALK_UP && !t->failed;
}

uint32_t
um_talk_pending(const um_talk_t *t)
{
    return t->pending;
}

const um_addr_t *
um_talk_addr(const um_talk_t *t)
{
    return &t->addr;
}

const char *
um_talk_host(const um_talk_t *t)
{
    return t->host[0] != '\0' ? t->host : NULL;
}

um_talk_bytes_t
um_talk_bytes(const um_talk_t *t)
{
    return t->bytes;
}
