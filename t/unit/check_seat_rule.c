/*
 * What is to be done next about a node: every situation that somebody has
 * thought of, with what is right in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <string.h>

#include "mover/um_seat_rule.h"
#include "um_check.h"

/* How nodes look.  Histories: "h" is the one that our node and its old master
 * share, "i" and "j" are others. */
#define MASTER(id, off, n)                                                     \
    {                                                                          \
        .run_id = id, .master = true, .replid = "h", .offset = off, .keys = n  \
    }
#define REPLICA(up, off, n)                                                    \
    {                                                                          \
        .run_id = "r", .master_host = "o", .master_port = 1, .link_up = up,    \
        .replid = "h", .offset = off, .keys = n                                \
    }
#define UNSYNCED                                                               \
    {                                                                          \
        .run_id = "r", .master_host = "o", .master_port = 1,                   \
        .never_linked = true, .replid = "i"                                    \
    }
#define ORPHAN(id, n)                                                          \
    {                                                                          \
        .run_id = id, .master_host = "127.0.0.1", .never_linked = true,        \
        .replid = "i", .keys = n                                               \
    }
/* Has just been told to follow "o", with all of "h" that there is. */
#define LINKLESS                                                               \
    {                                                                          \
        .run_id = "r", .master_host = "o", .master_port = 1,                   \
        .never_linked = true, .replid = "h", .offset = 9, .keys = 9            \
    }
/* Promoted out of "h" at 50. */
#define HEIR(off)                                                              \
    {                                                                          \
        .run_id = "p", .master = true, .replid = "i", .replid2 = "h",          \
        .second_offset = 50, .offset = off, .keys = 9                          \
    }

#define PEER(...)  .peer = (const um_other_facts_t[]){ __VA_ARGS__ }, .peers = 1
#define PEERS(...) .peer = (const um_other_facts_t[]){ __VA_ARGS__ }, .peers = 2
#define SEEN(l)                                                                \
    {                                                                          \
        .state = UM_OTHER_SEEN, .look = l                                      \
    }
#define FOLLOWS(l)                                                             \
    {                                                                          \
        .state = UM_OTHER_SEEN, .look = l, .follows_us = true                  \
    }
#define IS(s)                                                                  \
    {                                                                          \
        .state = UM_OTHER_##s                                                  \
    }

#define OURS           .seen = true, .look
#define MASTER_WANTED  .wanted = UM_REPL_MASTER
#define REPLICA_WANTED .wanted = UM_REPL_REPLICA

typedef struct {
    um_seat_facts_t f;
    um_seat_do_t what;
    um_repl_state_t state;
    bool doubt;
    const char *why;
} row_t;

static const row_t rows[] = {
    /* ---- Not to be known ------------------------------------------------ */
    { { MASTER_WANTED, .down = true, .silent = true }, UM_SEAT_WAIT,
        UM_REPL_DOWN, false, "nobody listens: that is not silence" },
    { { MASTER_WANTED, .silent = true, OURS = MASTER("a", 9, 9) }, UM_SEAT_WAIT,
        UM_REPL_SILENT, false, "silent, however it was before" },
    { { REPLICA_WANTED, .look = MASTER("a", 9, 9) }, UM_SEAT_WAIT, UM_REPL_NEW,
        false, "not looked at since our last command: nothing is done" },
    { { MASTER_WANTED, OURS = { .loading = true, .master = true } },
        UM_SEAT_WAIT, UM_REPL_LOADING, false, "what it has it will know" },

    /* ---- A spare -------------------------------------------------------- */
    { { MASTER_WANTED, .spare = true, OURS = MASTER("a", 0, 0) }, UM_SEAT_WAIT,
        UM_REPL_SERVING, false, "a spare master is left alone" },
    { { MASTER_WANTED, .spare = true, .calm = true,
          OURS = REPLICA(true, 9, 9) },
        UM_SEAT_PROMOTE, UM_REPL_NEW, false, "a spare replica is set free" },
    { { MASTER_WANTED, .spare = true, OURS = REPLICA(true, 9, 9) },
        UM_SEAT_WAIT, UM_REPL_NEW, false,
        "not while writes may be on their way that were for the master it "
        "was" },
    { { MASTER_WANTED, .spare = true, .holds = true, .calm = true,
          OURS = REPLICA(true, 9, 9) },
        UM_SEAT_WAIT, UM_REPL_NEW, false,
        "nor while it holds some, which it would execute then" },
    { { MASTER_WANTED, .spare = true, OURS = ORPHAN("a", 9) }, UM_SEAT_PROMOTE,
        UM_REPL_NEW, false, "one that begins anew was never sent any" },
    { { MASTER_WANTED, .stray = true, .calm = true, .expendable = true,
          OURS = REPLICA(true, 9, 9), .old = SEEN(MASTER("b", 9, 9)) },
        UM_SEAT_PROMOTE, UM_REPL_NEW, false,
        "a master of another cluster is not fenced for it" },
    { { MASTER_WANTED, .stray = true, .expendable = true,
          OURS = REPLICA(true, 9, 9) },
        UM_SEAT_WAIT, UM_REPL_NEW, false, "the same in a new cluster" },
    { { MASTER_WANTED, .holds = true, OURS = REPLICA(true, 9, 9),
          .old = IS(REFUSED) },
        UM_SEAT_WAIT, UM_REPL_FENCING, false,
        "one that was fenced, and is to be master again, refuses them first" },

    /* ---- A master that is one ------------------------------------------- */
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0) }, UM_SEAT_SERVE,
        UM_REPL_SERVING, false, "without replicas there is nobody to ask" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0), PEER(IS(UNASKED)) },
        UM_SEAT_ASK_PEERS, UM_REPL_NEW, false, "first its replica is asked" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0), PEER(IS(ASKED)) },
        UM_SEAT_WAIT, UM_REPL_NEW, false, "and waited for" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0), PEER(SEEN(ORPHAN("b", 0))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "a new chunk: both are empty" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0),
          PEER(SEEN(MASTER("b", 9, 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "a replica to be that has old data of its own is no argument" },
    { { MASTER_WANTED, OURS = MASTER("a", 9, 9),
          PEER(FOLLOWS(REPLICA(true, 12, 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "its replica follows: that it is ahead is our look being older" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0),
          PEER(FOLLOWS(REPLICA(false, 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "its replica has lost it and has more: it came back empty" },
    { { MASTER_WANTED, OURS = MASTER("a", 7, 9),
          PEER(FOLLOWS(REPLICA(false, 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false, "or with an old file" },
    { { MASTER_WANTED, OURS = MASTER("a", 12, 9),
          PEER(FOLLOWS(REPLICA(false, 12, 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "or with everything" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0), PEER(IS(REFUSED)) },
        UM_SEAT_ASK_PEERS, UM_REPL_NEW, true,
        "we know nothing of it, it is empty, and its replica is away: who "
        "knows what there was" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 0), .doubt_is_over = true,
          PEER(IS(REFUSED)) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "but not for ever" },
    { { MASTER_WANTED, OURS = MASTER("a", 0, 5), PEER(IS(SILENT)) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "with data it is believed, or a dead replica would be an outage" },

    /* ---- One that was a spare, and was to get its data first ------------ */
    { { MASTER_WANTED, .expendable = true, .was_replica = true,
          OURS = MASTER("a", 9, 9), PEER(SEEN(MASTER("b", 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_SYNCING, false,
        "what it has is of an earlier life: nobody is to see that" },
    { { MASTER_WANTED, .expendable = true, .was_replica = true,
          OURS = MASTER("a", 9, 9), PEER(IS(REFUSED)) },
        UM_SEAT_ASK_PEERS, UM_REPL_SYNCING, false,
        "not even when the one that has the data is gone" },
    { { MASTER_WANTED, .expendable = true, .was_replica = true,
          OURS = MASTER("a", 0, 0), PEER(SEEN(MASTER("b", 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_SYNCING, false, "nor is nothing the data" },
    { { MASTER_WANTED, .expendable = true, .was_replica = true,
          OURS = MASTER("a", 0, 0), PEER(SEEN(MASTER("b", 0, 0))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "but where there is none" },
    { { MASTER_WANTED, .expendable = true, OURS = MASTER("a", 9, 9),
          PEER(SEEN(MASTER("b", 12, 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "one that was to be a master at once is the first of its cluster" },

    /* ---- One that we know ----------------------------------------------- */
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("a", 9, 9),
          PEER(IS(SILENT)) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "it goes on" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 0),
          PEER(FOLLOWS(REPLICA(true, 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "it began anew, and its replica may not have noticed yet" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          PEER(SEEN(MASTER("c", 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "it began anew, and somebody has set its replica free" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          PEER(IS(SILENT)) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, true,
        "it began anew, and its replica does not say" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          PEER(SEEN({ .loading = true })) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, true, "or cannot say yet" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          .doubt_is_over = true, PEER(IS(SILENT)) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "nor for node_timeout" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          .doubt_is_over = true, PEER(FOLLOWS(REPLICA(false, 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "who has what it lost is waited for as long as it takes" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          PEER(SEEN(ORPHAN("c", 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "both began anew with their files" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 8),
          PEER(SEEN(ORPHAN("c", 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "and the replica's has more" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("b", 0, 9),
          PEERS(IS(SILENT), FOLLOWS(REPLICA(false, 12, 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_DOUBTED, false,
        "one that objects counts more than one that is silent" },
    { { MASTER_WANTED, .promoted = "a", OURS = MASTER("a", 9, 0),
          PEER(IS(UNASKED)) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "what we have just promoted serves at once" },
    { { MASTER_WANTED, .promoted = "z", OURS = MASTER("a", 9, 0),
          PEER(IS(UNASKED)) },
        UM_SEAT_ASK_PEERS, UM_REPL_NEW, false, "unless it died meanwhile" },

    /* ---- Another took over ---------------------------------------------- */
    { { MASTER_WANTED, .served = true, .run_id = "r",
          OURS = REPLICA(true, 9, 9) },
        UM_SEAT_WAIT, UM_REPL_FENCED, false,
        "it served, and was made a replica: our wishes are old" },
    { { MASTER_WANTED, .fenced = true, OURS = REPLICA(true, 9, 9) },
        UM_SEAT_WAIT, UM_REPL_FENCED, false, "and it stays so" },
    { { MASTER_WANTED, .fenced = true, OURS = MASTER("a", 9, 9) }, UM_SEAT_WAIT,
        UM_REPL_FENCED, false, "whatever it becomes" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("a", 60, 9),
          PEER(SEEN(HEIR(70))) },
        UM_SEAT_WAIT, UM_REPL_FENCED, false,
        "its replica was promoted and written to, and it was not told" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("a", 60, 9),
          PEER({ .state = UM_OTHER_SEEN,
              .look = HEIR(70),
              .of_before = true }) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "it was a spare meanwhile, and has taken over nothing" },
    { { MASTER_WANTED, OURS = MASTER("a", 60, 9), PEER(SEEN(HEIR(70))) },
        UM_SEAT_WAIT, UM_REPL_FENCED, false,
        "the same when it has not served yet" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = MASTER("a", 60, 9),
          PEER(SEEN(HEIR(49))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "promoted by hand, and never written to: a slip" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = ORPHAN("b", 9),
          PEER(IS(UNASKED)) },
        UM_SEAT_ASK_PEERS, UM_REPL_NEW, false,
        "it began anew as nobody's replica: that is no fence" },
    { { MASTER_WANTED, .served = true, .run_id = "a", OURS = ORPHAN("a", 9),
          PEER(IS(UNASKED)) },
        UM_SEAT_WAIT, UM_REPL_FENCED, false,
        "it was made nobody's replica while it ran: that is one" },

    /* ---- An old master that was not told -------------------------------- */
    { { MASTER_WANTED, .served = true, .run_id = "p", OURS = HEIR(70),
          PEER(SEEN(MASTER("a", 60, 9))) },
        UM_SEAT_TURN, UM_REPL_SERVING, false,
        "who was promoted has the old one follow, though another mover began" },
    { { MASTER_WANTED, .served = true, .run_id = "p", OURS = HEIR(70),
          .peer = (const um_other_facts_t[]){ { .state = UM_OTHER_SEEN,
              .look = MASTER("a", 60, 9),
              .turning = true } },
          .peers = 1 },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "once" },

    /* ---- Promotion: nobody's replica ------------------------------------ */
    { { MASTER_WANTED, OURS = ORPHAN("r", 9), PEER(SEEN(ORPHAN("b", 9))) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "the machines were rebooted" },
    { { MASTER_WANTED, OURS = ORPHAN("r", 0), PEER(IS(SILENT)) },
        UM_SEAT_ASK_PEERS, UM_REPL_NEW, true,
        "it has nothing, and its replica may have" },
    { { MASTER_WANTED, OURS = ORPHAN("r", 9), PEER(SEEN(HEIR(70))) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false,
        "an argument against it must be about the same data" },

    /* ---- Promotion: its master does not answer -------------------------- */
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9) }, UM_SEAT_ASK_OLD,
        UM_REPL_FENCING, false, "first its master is asked" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .old = IS(ASKED) },
        UM_SEAT_WAIT, UM_REPL_FENCING, false, "and waited for" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .old = IS(REFUSED) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "it is dead" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .old = IS(SILENT) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "it is cut off" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .old = IS(SILENT) },
        UM_SEAT_ASK_OLD, UM_REPL_FENCING, false,
        "the link stands: it may just be slow" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .old = IS(SILENT),
          .old_had_time = true },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "it hangs" },
    { { MASTER_WANTED, OURS = UNSYNCED, .old = IS(REFUSED) }, UM_SEAT_ASK_OLD,
        UM_REPL_SYNCING, false,
        "never in sync with one that is dead: all its data may come back" },
    { { MASTER_WANTED, OURS = UNSYNCED, .old = IS(SILENT),
          .old_had_time = true },
        UM_SEAT_ASK_OLD, UM_REPL_SYNCING, false, "or one that hangs" },

    /* ---- Promotion: the lease of its master's proxy runs ---------------- */
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .lease_runs = true,
          .old = IS(REFUSED) },
        UM_SEAT_ASK_OLD, UM_REPL_FENCING, false,
        "a firewall says the same as a dead Redis: its proxy may reach it" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .lease_runs = true,
          .old = IS(SILENT) },
        UM_SEAT_ASK_OLD, UM_REPL_FENCING, false, "cut off from us alone" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .lease_runs = true,
          .old = SEEN({ .loading = true }) },
        UM_SEAT_ASK_OLD, UM_REPL_FENCING, false, "it will take writes again" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .lease_runs = true,
          .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_FENCE, UM_REPL_FENCING, false, "who answers is stopped" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .lease_runs = true,
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_FAILED },
        UM_SEAT_ASK_OLD, UM_REPL_FENCING, false, "it did not let itself" },
    { { MASTER_WANTED, OURS = REPLICA(true, 10, 9), .lease_runs = true,
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 10 },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "who is, is not waited for" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9), .lease_runs = true,
          .old = SEEN(REPLICA(true, 9, 9)) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "nor who is no master" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .lease_runs = true,
          .old = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_FENCE, UM_REPL_FENCING, false,
        "it came back empty, and may be written to all the same" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .lease_runs = true,
          .old = SEEN(MASTER("b", 0, 0)), .fence = UM_FENCE_HOLDS },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "now it is not" },
    { { MASTER_WANTED, OURS = ORPHAN("r", 9), .lease_runs = true,
          PEER(SEEN(ORPHAN("b", 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_FENCING, false,
        "whom it followed before it was restarted nobody knows" },
    { { MASTER_WANTED, OURS = MASTER("a", 9, 9), .lease_runs = true,
          .was_replica = true, PEER(SEEN(ORPHAN("b", 9))) },
        UM_SEAT_ASK_PEERS, UM_REPL_FENCING, false,
        "a replica that somebody has set free has an old master, too" },
    { { MASTER_WANTED, OURS = MASTER("a", 9, 9), .was_replica = true,
          PEER(SEEN(ORPHAN("b", 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false, "which serves no more" },
    { { MASTER_WANTED, OURS = MASTER("a", 9, 9), .lease_runs = true,
          PEER(SEEN(ORPHAN("b", 9))) },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "a master that was one takes over from nobody" },
    { { MASTER_WANTED, OURS = MASTER("r", 9, 9), .lease_runs = true,
          .was_replica = true, .promoted = "r" },
        UM_SEAT_SERVE, UM_REPL_SERVING, false,
        "whom we have promoted has waited" },

    /* ---- Promotion: its master answers ---------------------------------- */
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_FENCE, UM_REPL_FENCING, false, "it is told to stop" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_ASKED },
        UM_SEAT_WAIT, UM_REPL_FENCING, false, "which is waited for" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 10 },
        UM_SEAT_WAIT, UM_REPL_FENCING, false, "a byte is missing" },
    { { MASTER_WANTED, OURS = REPLICA(true, 10, 9),
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 10 },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "all is there" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 10, .no_progress = true },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "it will not come" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9),
          .old = SEEN(MASTER("a", 20, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 20 },
        UM_SEAT_REJOIN, UM_REPL_FENCING, false,
        "its link is down and there is more: it joins again" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9), .attached = true,
          .old = SEEN(MASTER("a", 20, 9)), .fence = UM_FENCE_HOLDS,
          .old_offset = 20 },
        UM_SEAT_WAIT, UM_REPL_FENCING, false, "which it was just told" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(MASTER("a", 9, 9)), .fence = UM_FENCE_FAILED },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false,
        "it cannot be stopped: whoever decided has a reason" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9),
          .old = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false,
        "it came back empty: there is nothing to catch up with" },
    { { MASTER_WANTED, OURS = REPLICA(false, 9, 9),
          .old = SEEN({ .loading = true }) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "it came back, and reads" },
    { { MASTER_WANTED, OURS = UNSYNCED, .attached = true,
          .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_ASK_OLD, UM_REPL_SYNCING, false,
        "never in sync: not stopped before its data are here" },
    { { MASTER_WANTED, OURS = UNSYNCED, .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_REJOIN, UM_REPL_SYNCING, false, "which takes a link" },
    { { MASTER_WANTED,
          OURS = { .run_id = "r",
              .master_host = "o",
              .master_port = 1,
              .replid = "j",
              .offset = 5,
              .keys = 5 },
          .attached = true, .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_ASK_OLD, UM_REPL_SYNCING, false,
        "it has had a link, but to another history" },
    { { MASTER_WANTED, OURS = REPLICA(true, 9, 9),
          .old = SEEN(REPLICA(true, 9, 9)) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false,
        "its master is a replica itself: it takes no writes" },
    { { MASTER_WANTED, OURS = UNSYNCED, .old = SEEN(REPLICA(true, 9, 9)) },
        UM_SEAT_ASK_OLD, UM_REPL_SYNCING, false,
        "but has what ours never got" },

    /* ---- Promotion: each follows the other ------------------------------ */
    { { MASTER_WANTED, OURS = LINKLESS, .old = FOLLOWS(REPLICA(false, 9, 9)) },
        UM_SEAT_PROMOTE, UM_REPL_FENCING, false, "ours has all there is" },
    { { MASTER_WANTED, OURS = LINKLESS, .old = FOLLOWS(REPLICA(false, 12, 9)) },
        UM_SEAT_FREE_OLD, UM_REPL_FENCING, false,
        "the other one has more: it is a master until ours has it, too" },
    { { MASTER_WANTED, OURS = LINKLESS, .old = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_FENCE, UM_REPL_FENCING, false,
        "no link yet to one that was its replica a moment ago: nothing is "
        "missing" },

    /* ---- A replica that follows ------------------------------------------ */
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .master_is_right = true,
          .flows = true },
        UM_SEAT_WAIT, UM_REPL_IN_SYNC, false, "in sync" },
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .master_is_right = true },
        UM_SEAT_NUDGE, UM_REPL_SYNCING, false,
        "it has the data: its master may hold back what was written since" },
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .master_is_right = true,
          .master = IS(SILENT) },
        UM_SEAT_NUDGE, UM_REPL_SYNCING, false, "it may just be slow" },
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .master_is_right = true,
          .flows = true, .master = IS(REFUSED) },
        UM_SEAT_WAIT, UM_REPL_IN_SYNC, false, "it has died a moment ago" },
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .flows = true },
        UM_SEAT_ASK_MASTER, UM_REPL_WAITING, false, "in sync with another" },
    { { REPLICA_WANTED, OURS = REPLICA(true, 9, 9), .master_is_right = true,
          .flows = true, .stalled = true },
        UM_SEAT_WAIT, UM_REPL_SYNCING, false,
        "a link over which nothing comes is none" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true },
        UM_SEAT_ASK_MASTER, UM_REPL_SYNCING, false, "how is its master?" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .master = IS(ASKED) },
        UM_SEAT_WAIT, UM_REPL_SYNCING, false, "an answer may come" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .master = IS(REFUSED) },
        UM_SEAT_ASK_MASTER, UM_REPL_WAITING, false, "it is dead" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .master = SEEN({ .loading = true }) },
        UM_SEAT_ASK_MASTER, UM_REPL_WAITING, false, "it reads its data" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .master = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false,
        "it is back with all it had: but does not know us any more" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .attached = true, .master = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_ASK_MASTER, UM_REPL_SYNCING, false, "told a moment ago" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .master = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED, false,
        "it came back empty: this one keeps its data" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .doubt_is_over = true, .master = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED, false, "however long" },
    { { REPLICA_WANTED, OURS = REPLICA(false, 9, 9), .master_is_right = true,
          .expendable = true, .master = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false,
        "unless it was in no cluster meanwhile" },

    /* ---- A replica to be ------------------------------------------------- */
    { { REPLICA_WANTED, OURS = MASTER("r", 0, 0) }, UM_SEAT_ASK_MASTER,
        UM_REPL_WAITING, false, "how is its master?" },
    { { REPLICA_WANTED, OURS = MASTER("r", 0, 0), .master = IS(SILENT) },
        UM_SEAT_ASK_MASTER, UM_REPL_WAITING, false, "it does not say" },
    { { REPLICA_WANTED, OURS = MASTER("r", 0, 0),
          .master = SEEN(ORPHAN("b", 0)) },
        UM_SEAT_ASK_MASTER, UM_REPL_WAITING, false, "it is no master yet" },
    { { REPLICA_WANTED, OURS = MASTER("r", 0, 0), .out_of_reach = true,
          .master = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_WAIT, UM_REPL_WAITING, false, "nobody can go there" },
    { { REPLICA_WANTED, OURS = ORPHAN("r", 0),
          .master = SEEN(MASTER("b", 0, 0)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false, "a new chunk" },
    { { REPLICA_WANTED, OURS = MASTER("r", 60, 9), .master = SEEN(HEIR(50)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false,
        "the old master follows who took over, with whatever it wrote since" },
    { { REPLICA_WANTED, OURS = HEIR(70), .master = SEEN(MASTER("a", 60, 9)) },
        UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED, false,
        "it took over and was written to: its old master did not hear of it" },
    { { REPLICA_WANTED, OURS = HEIR(49), .master = SEEN(MASTER("a", 49, 9)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false, "and was not written to" },
    { { REPLICA_WANTED,
          OURS = { .run_id = "r",
              .master = true,
              .replid = "j",
              .offset = 99,
              .keys = 9 },
          .master = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_ASK_MASTER, UM_REPL_DOUBTED, true,
        "a stranger with more data: perhaps a mistake" },
    { { REPLICA_WANTED,
          OURS = { .run_id = "r",
              .master = true,
              .replid = "j",
              .offset = 99,
              .keys = 9 },
          .doubt_is_over = true, .master = SEEN(MASTER("a", 9, 9)) },
        UM_SEAT_FOLLOW, UM_REPL_SYNCING, false, "nobody said so" },
};

START_TEST(next_is_what_is_right)
{
    const row_t *r = &rows[_i];
    um_seat_next_t n = um_seat_next(&r->f);

    ck_assert_msg(n.what == r->what, "%s: does %d", r->why, n.what);
    ck_assert_msg(
        n.state == r->state, "%s: is %s", r->why, um_repl_state_name(n.state));
    ck_assert_msg(n.doubt == r->doubt, "%s", r->why);
    ck_assert(n.why != NULL);
    ck_assert_msg(n.what != UM_SEAT_TURN || n.peer < r->f.peers, "%s", r->why);
}
END_TEST

/* What is doubtful, or wrong, is told why. */
START_TEST(trouble_has_a_reason)
{
    for (size_t i = 0; i < um_countof(rows); i++) {
        um_seat_next_t n = um_seat_next(&rows[i].f);
        bool trouble = n.state == UM_REPL_DOUBTED || n.state == UM_REPL_FENCED
                       || n.state == UM_REPL_DOWN || n.state == UM_REPL_SILENT
                       || n.doubt;

        ck_assert_msg(!trouble || n.why[0] != '\0', "%s", rows[i].why);
        ck_assert_msg(
            n.state != UM_REPL_SERVING || n.why[0] == '\0', "%s", rows[i].why);
    }
}
END_TEST

/* Whatever the situation: while the lease runs nobody is promoted but behind a
 * fence, or where there is no master. */
START_TEST(a_running_lease_is_waited_for)
{
    for (size_t i = 0; i < um_countof(rows); i++) {
        um_seat_facts_t f = rows[i].f;
        um_seat_next_t n;

        f.lease_runs = true;
        n = um_seat_next(&f);
        ck_assert_msg(n.what != UM_SEAT_PROMOTE || f.spare || f.stray
                          || f.fence == UM_FENCE_HOLDS
                          || (f.old.state == UM_OTHER_SEEN && !f.old.look.master
                              && !f.old.look.loading),
            "%s", rows[i].why);
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("rule");
    Suite *s = suite_create("seat");

    tcase_add_loop_test(t, next_is_what_is_right, 0, um_countof(rows));
    tcase_add_test(t, trouble_has_a_reason);
    tcase_add_test(t, a_running_lease_is_waited_for);
    suite_add_tcase(s, t);
    return um_check_main(s);
}
