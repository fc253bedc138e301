/*
 *   EAGER     at the master: CONFIG SET repl-diskless-sync-delay 0, for it
 *             waits five seconds for more replicas, of which there are none
 *   USER      at the master: ACL SETUSER
 *   NAME      at the follower: CONFIG SET masteruser ... masterauth ...
 *   PASSWORD  at the follower, before 7.0: CONFIG SET masterauth
 *   FOLLOW    at the follower: REPLICAOF
 *
 * A step that is refused (no ACL, no right to it) is left out, with the
 * password that we ourselves have, if any: so it was before there was ACL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/um_crc64.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "mover/um_mover_priv.h"
#include "redis/um_reply.h"

/* ACL came with 6.0. */
#define VERSION_ACL 0x060000

/* CONFIG SET takes several from 7.0 on.  Who else is at it then cannot come
 * in between the name and the password. */
#define VERSION_CONFIG_MANY 0x070000

typedef enum {
    ATTACH_EAGER,
    ATTACH_USER,
    ATTACH_NAME,
    ATTACH_PASSWORD,
    ATTACH_FOLLOW,
} attach_step_t;

struct um_attach_s {
    um_mover_t *m;
    um_talk_t *follower;
    um_talk_t *master;
    attach_step_t step;
    attach_step_t first; /* behind EAGER */
    bool plain;          /* without a user of its own */
    bool at_once;        /* name and password */
    char host[254];
    char port[8];
    char user[48];
    char secret[33];
    um_attach_pt done;
    void *data;
};

static um_rc_t attach_go_on(um_attach_t *a);

static void
attach_end(um_attach_t *a, const char *why)
{
    a->done(a->data, why);
    free(a);
}

static void
attach_on_answer(void *data, const um_talk_answer_t *answer)
{
    um_attach_t *a = data;
    bool refused =
        answer->end == UM_TALK_ANSWERED && um_reply_is_error(answer->reply);

    if (answer->end != UM_TALK_ANSWERED) {
        attach_end(a, a->step <= ATTACH_USER ? "its master does not answer"
                                             : "it does not answer");
        return;
    }

    if (refused && a->step == ATTACH_FOLLOW) {
        um_log_warn(0, "node %s: REPLICAOF: %.*s",
            um_talk_addr(a->follower)->text,
            um_str_fmt(um_reply_text(answer->reply)));
        attach_end(a, "it refuses REPLICAOF");
        return;
    }

    if (refused && a->step == ATTACH_NAME && a->at_once) {
        a->at_once = false; /* the follower is older: one by one */
        if (attach_go_on(a) != UM_OK) {
            attach_end(a, "out of memory");
        }
        return;
    }

    if (refused && a->step != ATTACH_EAGER) {
        um_log_notice(0, "node %s: follows without a name of its own: %.*s",
            um_talk_addr(a->follower)->text,
            um_str_fmt(um_reply_text(answer->reply)));
        a->plain = true;
    }

    if (a->step == ATTACH_FOLLOW) {
        attach_end(a, NULL);
        return;
    }

    a->step = um_max(a->step + 1, a->first);
    if (a->step == ATTACH_PASSWORD && a->at_once) {
        a->step = ATTACH_FOLLOW;
    }
    if (attach_go_on(a) != UM_OK) {
        attach_end(a, "out of memory");
    }
}

static um_rc_t
attach_say_user(um_attach_t *a)
{
    char secret[40];
    const um_str_t argv[] = { um_lit("ACL"), um_lit("SETUSER"),
        um_str_of(a->user), um_lit("reset"), um_lit("on"),
        { secret, strlen(a->secret) + 1 }, um_lit("+psync"), um_lit("+sync"),
        um_lit("+replconf"), um_lit("+ping") };

    (void) snprintf(secret, sizeof(secret), ">%s", a->secret);
    return um_talk_say(
        a->master, UM_MOVER_DO_MS, attach_on_answer, a, um_countof(argv), argv);
}

static um_rc_t
attach_say_name(um_attach_t *a, const char *user, const char *password)
{
    const um_str_t argv[] = { um_lit("CONFIG"), um_lit("SET"),
        um_lit("masteruser"), um_str_of(user), um_lit("masterauth"),
        um_str_of(password) };

    return um_talk_say(a->follower, UM_MOVER_DO_MS, attach_on_answer, a,
        a->at_once ? 6 : 4, argv);
}

static um_rc_t
attach_say_config(
    um_attach_t *a, um_talk_t *to, const char *name, const char *value)
{
    const um_str_t argv[] = { um_lit("CONFIG"), um_lit("SET"), um_str_of(name),
        um_str_of(value) };

    return um_talk_say(
        to, UM_MOVER_DO_MS, attach_on_answer, a, um_countof(argv), argv);
}

static um_rc_t
attach_say_follow(um_attach_t *a)
{
    /* The word that all versions know. */
    const um_str_t argv[] = { um_lit("SLAVEOF"), um_str_of(a->host),
        um_str_of(a->port) };

    return um_talk_say(a->follower, UM_MOVER_DO_MS, attach_on_answer, a,
        um_countof(argv), argv);
}

static um_rc_t
attach_go_on(um_attach_t *a)
{
    const um_mover_conf_t *conf = &a->m->heritage->conf;
    const char *user = conf->user != NULL ? conf->user : "";
    const char *password = conf->password != NULL ? conf->password : "";

    switch (a->step) {
    case ATTACH_EAGER:
        return attach_say_config(a, a->master, "repl-diskless-sync-delay", "0");

    case ATTACH_USER:
        return attach_say_user(a);

    case ATTACH_NAME:
        return attach_say_name(
            a, a->plain ? user : a->user, a->plain ? password : a->secret);

    case ATTACH_PASSWORD:
        return attach_say_config(
            a, a->follower, "masterauth", a->plain ? password : a->secret);

    default:
        return attach_say_follow(a);
    }
}

static void
attach_new_secret(um_attach_t *a)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)) {
        um_log_error(0, "no random bytes: replicas get no name of their own");
        a->plain = true;
        return;
    }

    for (size_t i = 0; i < sizeof(bytes); i++) {
        a->secret[2 * i] = hex[bytes[i] >> 4];
        a->secret[2 * i + 1] = hex[bytes[i] & 15];
    }
}

um_attach_t *
um_attach_new(um_mover_t *m, um_talk_t *follower, um_talk_t *master,
    const um_look_t *master_look, const char *host, uint16_t port,
    const char *who, um_attach_pt done, void *data)
{
    um_attach_t *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        um_log_error(0, "node %s: out of memory", um_talk_addr(follower)->text);
        return NULL;
    }

    a->m = m;
    a->follower = follower;
    a->master = master;
    a->done = done;
    a->data = data;
    a->plain = master_look->version < VERSION_ACL;
    a->at_once = master_look->version >= VERSION_CONFIG_MANY;
    attach_new_secret(a);
    (void) snprintf(a->host, sizeof(a->host), "%s", host);
    (void) snprintf(a->port, sizeof(a->port), "%u", port);
    (void) snprintf(a->user, sizeof(a->user), "undermoond:%016llx%s",
        (unsigned long long) um_crc64(um_str_of(um_talk_addr(follower)->text)),
        who);

    a->step = ATTACH_EAGER;
    a->first = !a->plain                            ? ATTACH_USER
               : master_look->version < VERSION_ACL ? ATTACH_PASSWORD
                                                    : ATTACH_NAME;
    if (attach_go_on(a) != UM_OK) {
        um_log_error(0, "node %s: out of memory", um_talk_addr(follower)->text);
        free(a);
        return NULL;
    }

    return a;
}

void
um_attach_cancel(um_attach_t *a)
{
    if (a != NULL) {
        um_talk_disown(a->follower, a);
        um_talk_disown(a->master, a);
        free(a);
    }
}
