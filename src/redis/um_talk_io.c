/*
 * um_talk_io.c -- bytes of a conversation, in and out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "redis/um_talk_priv.h"

#define NS_PER_MS UINT64_C(1000000)
#define TALK_READ 65536

/* Written bytes at the beginning of `out` that are worth moving the rest. */
#define TALK_STALE 65536

/* ---- What is to be said ------------------------------------------------- */

um_rc_t
um_talk_add_pieces(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    const um_str_t *piece, uint32_t pieces)
{
    talk_cmd_t *c;
    size_t len = 0;

    for (uint32_t i = 0; i < pieces; i++) {
        len += piece[i].len;
    }

    c = malloc(sizeof(*c) + len);
    if (c == NULL) {
        return UM_ERR;
    }

    *c = (talk_cmd_t){
        .done = done,
        .data = data,
        .due_ns = um_loop_now(t->loop) + timeout * NS_PER_MS,
    };
    for (uint32_t i = 0; i < pieces; i++) {
        if (piece[i].len > 0) {
            memcpy(c->bytes + c->len, piece[i].data, piece[i].len);
            c->len += piece[i].len;
        }
    }

    um_list_add_tail(&t->waiting, &c->link);
    t->pending++;
    return UM_OK;
}

um_rc_t
um_talk_add(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    uint32_t argc, const um_str_t *argv)
{
    um_sbuf_t b = { 0 };
    um_rc_t rc;

    um_sbuf_addf(&b, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++) {
        um_sbuf_addf(&b, "$%zu\r\n", argv[i].len);
        um_sbuf_add_str(&b, argv[i]);
        um_sbuf_addz(&b, "\r\n");
    }

    rc = b.failed ? UM_ERR
                  : um_talk_add_pieces(
                      t, timeout, done, data, &(um_str_t){ b.data, b.len }, 1);
    um_sbuf_deinit(&b);
    return rc;
}

/* ---- Reading ------------------------------------------------------------ */

/* The first of those said gets `reply`, which is taken.  False: stop. */
static bool
talk_take(um_talk_t *t, redisReply *reply)
{
    const um_talk_answer_t a = { .end = UM_TALK_ANSWERED, .reply = reply };
    uint64_t connection = t->connection;
    talk_cmd_t *c;

    if (um_list_is_empty(&t->said)) {
        freeReplyObject(reply);
        um_talk_fail(t, 0, "an answer that nobody asked for");
        return false;
    }

    c = um_list_entry(t->said.next, talk_cmd_t, link);
    um_list_del(&c->link);
    t->pending--;
    um_talk_answer(t, c, &a);
    free(c);
    freeReplyObject(reply);
    return !t->freed && t->connection == connection;
}

/* Bytes have been fed.  False: the connection is another, or gone. */
static bool
talk_parse(um_talk_t *t)
{
    void *reply = NULL;

    while (redisReaderGetReply(t->reader, &reply) == REDIS_OK) {
        if (reply == NULL) {
            if (t->unread > t->conf.reply_max) {
                um_talk_fail(t, 0, "answer is too large");
                return false;
            }
            return true;
        }

        t->unread = t->reader->len - t->reader->pos;
        if (!talk_take(t, reply)) {
            return false;
        }
    }

    um_talk_fail(t, 0, "answer is no RESP");
    return false;
}

void
um_talk_on_readable(void *data)
{
    um_talk_t *t = data;
    char buf[TALK_READ];
    ssize_t n = recv(t->io.fd, buf, sizeof(buf), 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        um_talk_fail(t, n == 0 ? 0 : errno,
            n == 0 ? "connection closed" : "receive failed");
        return;
    }

    t->bytes.received += (uint64_t) n;
    t->unread += (size_t) n;
    if (redisReaderFeed(t->reader, buf, (size_t) n) != REDIS_OK) {
        um_talk_fail(t, ENOMEM, "answer");
        return;
    }

    um_talk_enter(t);
    (void) talk_parse(t);
    if (um_talk_leave(t)) {
        um_talk_set_timer(t);
    }
}

/* ---- Writing ------------------------------------------------------------ */

static void
talk_drop_written(um_talk_t *t)
{
    if (t->out_pos == t->out.len) {
        um_sbuf_clear(&t->out);
        t->out_pos = 0;
    } else if (t->out_pos > TALK_STALE) {
        memmove(t->out.data, t->out.data + t->out_pos, t->out.len - t->out_pos);
        t->out.len -= t->out_pos;
        t->out_pos = 0;
    }
}

/* UM_ERR: the connection is of no use, errno says why. */
um_rc_t
um_talk_write(um_talk_t *t)
{
    while (t->out_pos < t->out.len) {
        ssize_t n = send(t->io.fd, t->out.data + t->out_pos,
            t->out.len - t->out_pos, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n == -1 && errno == EAGAIN) {
            break;
        }
        if (n == -1) {
            return UM_ERR;
        }

        t->out_pos += (size_t) n;
        t->written += (uint64_t) n;
        t->bytes.sent += (uint64_t) n;
    }

    talk_drop_written(t);
    return um_io_want_write(&t->io, t->out.len > 0);
}

/* All that waits goes into the stream. */
void
um_talk_send(um_talk_t *t)
{
    while (!um_list_is_empty(&t->waiting)) {
        talk_cmd_t *c = um_list_entry(t->waiting.next, talk_cmd_t, link);

        um_sbuf_add(&t->out, c->bytes, c->len);
        if (t->out.failed) {
            um_talk_soon(t, ENOMEM, "command");
            return;
        }
        c->begin = t->stream;
        t->stream += c->len;
        um_list_del(&c->link);
        um_list_add_tail(&t->said, &c->link);
    }

    if (um_talk_write(t) != UM_OK) {
        um_talk_soon(t, errno, "send failed");
    }
}
