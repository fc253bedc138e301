/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/um_log.h"
#include "mover/um_mover_priv.h"
#include "redis/um_reply.h"

void
um_other_init(um_other_t *o, um_mover_t *m, um_io_pt on_seen, void *data)
{
    memset(o, 0, sizeof(*o));
    o->m = m;
    o->on_seen = on_seen;
    o->data = data;
}

void
um_other_deinit(um_other_t *o)
{
    um_talk_free(o->talk);
    o->talk = NULL;
    um_other_forget(o);
}

void
um_other_forget(um_other_t *o)
{
    memset(&o->facts, 0, sizeof(o->facts));
    o->asked_ns = 0;
    o->nudged = 0;
}

um_rc_t
um_other_set(um_other_t *o, um_str_t address)
{
    um_addr_t addr;
    const char *wrong = um_addr_parse(&addr, address);

    if (wrong != NULL) {
        um_log_error(
            0, "node %.*s: address %s", (int) address.len, address.data, wrong);
        return UM_ERR;
    }

    if (o->talk != NULL && strcmp(um_talk_addr(o->talk)->text, addr.text) == 0)
    {
        return UM_OK;
    }

    um_other_deinit(o);
    o->talk = um_mover_talk(o->m, &addr);
    return o->talk == NULL ? UM_ERR : UM_OK;
}

static void
other_saw(um_other_t *o, const um_talk_answer_t *a)
{
    if (a->end == UM_TALK_ANSWERED
        && um_look_parse(um_reply_text(a->reply), &o->facts.look) == UM_OK)
    {
        o->facts.state = UM_OTHER_SEEN;
    } else {
        o->facts.state = a->refused ? UM_OTHER_REFUSED : UM_OTHER_SILENT;
        if (a->end == UM_TALK_LATE) {
            um_talk_hang_up(o->talk, "too slow");
        }
    }
}

static void
other_on_info(void *data, const um_talk_answer_t *a)
{
    um_other_t *o = data;

    other_saw(o, a);
    o->on_seen(o->data);
}

static void
other_on_nudged(void *data, const um_talk_answer_t *a)
{
    um_other_t *o = data;

    other_saw(o, a);
    o->nudged = o->facts.state == UM_OTHER_SEEN ? o->facts.look.offset : 0;
    o->on_seen(o->data);
}

/* Refused: it knows no WAIT, or is no master.  The look tells, or time. */
static void
other_on_wait(void *data, const um_talk_answer_t *a)
{
    (void) data;
    (void) a;
}

static bool
other_is_due(const um_other_t *o, uint64_t pause)
{
    return o->talk != NULL && um_talk_pending(o->talk) == 0
           && (o->asked_ns == 0
               || um_mover_now(o->m) - o->asked_ns >= pause * UM_MOVER_MS);
}

static void
other_say(um_other_t *o, um_talk_pt done, const char *words)
{
    if (um_talk_sayz(o->talk, UM_MOVER_OTHER_MS, done, o, words) == UM_OK) {
        return;
    }

    um_log_error(0, "node %s: cannot be asked", um_talk_addr(o->talk)->text);
    o->facts.state = UM_OTHER_SILENT;
}

static void
other_look(um_other_t *o, um_talk_pt done)
{
    o->asked_ns = um_mover_now(o->m);
    o->facts.state = um_max(o->facts.state, UM_OTHER_ASKED);
    other_say(o, done, "INFO");
}

void
um_other_ask(um_other_t *o, uint64_t pause)
{
    if (other_is_due(o, pause)) {
        other_look(o, other_on_info);
    }
}

/*
 * WAIT for more replicas than there can be: who waits has the master ask all of
 * them how far they are (REPLCONF GETACK), and that is 37 bytes of the stream
 * which nobody but they see.  It gives up after a millisecond.
 */
bool
um_other_nudge(um_other_t *o, uint64_t pause)
{
    if (!other_is_due(o, pause)) {
        return false;
    }

    other_say(o, other_on_wait, "WAIT 1000000 1");
    other_look(o, other_on_nudged);
    return true;
}
