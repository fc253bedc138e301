/*
 * um_client.h -- one client: bytes in, in order; replies out, in order.
 *
 * Reading stops while a barrier is up, while too many commands or bytes are
 * unanswered, and while a backend it needs is congested; um_client_resume()
 * goes on.  A client is freed at the end of a turn only, so callbacks of the
 * same turn may still look at it: check `dead`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_H
#define UM_CLIENT_H

#include <sys/socket.h>

#include "core/um_list.h"
#include "net/um_loop.h"
#include "proxy/um_req.h"
#include "resp/um_scan.h"

#define UM_CLIENT_NAME_MAX 256 /* longer names are refused; with NUL */
#define UM_CLIENT_LIB_MAX  64

/* What a reply is taken to be before the first has come, and the bytes of
 * replies asked for at once, as far as the mean can tell. */
#define UM_CLIENT_REPLY_GUESS 65536u
#define UM_CLIENT_WINDOW      (4u << 20)

#define UM_CLIENT_WROTE 8

/* CLIENT REPLY. */
enum { UM_REPLY_ON, UM_REPLY_OFF, UM_REPLY_SKIP /* that of the next one */ };

/*
 * What a client is, as far as it outlives a connection's process: handing a
 * connection to a new worker is to serialise this and the descriptor.
 */
typedef struct {
    uint64_t id;
    uint64_t created_us; /* wall clock */
    uint8_t proto;       /* 2 or 3 */
    bool authenticated;  /* true from the start when no password is set */
    bool readonly;
    bool control_listener; /* came in by a `listen ... control` */
    bool no_evict;         /* CLIENT NO-EVICT: see um_req_client_is_over() */
    uint8_t reply;         /* UM_REPLY_* */
    char *name;            /* CLIENT SETNAME; owned, NULL: none  */
    char *lib_name;        /* CLIENT SETINFO; owned, NULL: none */
    char *lib_ver;
} um_client_state_t;

struct um_client_s {
    um_worker_t *w;
    um_list_t link; /* of all clients of the worker */
    um_io_t io;
    um_client_state_t st;

    /* Bytes read and not yet understood; empty between requests. */
    struct {
        char *data;
        size_t off, len, cap;
    } in;
    um_scan_t scan;

    um_req_t *head, *tail; /* unanswered and unready commands in order */
    uint32_t pending;      /* how many */
    uint32_t reply_mean;   /* bytes of a reply, moving mean */
    uint64_t held;         /* bytes of replies that wait for their turn */
    um_chain_t out;        /* bytes that wait for the socket */

    um_req_t *barrier;         /* nothing behind it is started */
    um_backend_t *waiting_for; /* congested: we are on its list */
    um_list_t wait_link;
    um_list_t dirty_link;  /* has bytes to write this turn    */
    um_list_t resume_link; /* to be looked at again this turn */

    /* Nodes it has written to, by index into the topology of that generation,
     * for WAIT; a count beyond the maximum: too many to remember. */
    uint64_t wrote_gen;
    uint16_t wrote[UM_CLIENT_WROTE]; /* free places: UINT16_MAX */
    uint16_t wrote_count;

    uint64_t last_ns;  /* latest bytes from or to it */
    uint64_t commands; /* how many it has sent */
    const um_cmd_t *last_cmd;
    uint64_t bytes_in, bytes_out;

    bool closing; /* no more reading; closed when all is answered and written */
    bool dead;    /* freed at the end of this turn */
    bool paused;  /* not read from, its bytes in `in` wait */
    bool drain;   /* paused until nothing is unanswered */
    bool blocked; /* its barrier waits at Redis: um_block.h */

    struct sockaddr_storage peer;
    socklen_t peer_len;
};

/* It writes to node `addr` of the present topology, generation `gen`. */
void um_client_add_write(um_client_t *c, uint64_t gen, uint16_t addr);
static inline void um_client_note_write(
    um_client_t *c, uint64_t gen, uint16_t addr);

/* Put `r` at the end of the queue of its unanswered commands. */
void um_client_queue(um_client_t *c, um_req_t *r);

/* Take a connection that was accepted.  UM_ERR: refused, `fd` is closed. */
um_rc_t um_client_start(um_worker_t *w, int fd, bool control,
    const struct sockaddr *peer, socklen_t peer_len);

/* Answer all that is due, then close (QUIT, protocol errors). */
void um_client_close_after(um_client_t *c);

/* A reply broke off in the middle: write what there is of it, and of those
 * before it, then close.  Commands behind it are not answered any more. */
void um_client_cut(um_client_t *c);

/* Close now: unanswered requests are orphaned.  Freed at the turn's end. */
void um_client_kill(um_client_t *c);

/* Something it waited for has happened: read on, this turn. */
void um_client_resume(um_client_t *c);

/* Likewise, unless what it waits for is still to come. */
void um_client_maybe_resume(um_client_t *c);

/* Start nothing more of it until `b` is less congested, or gone. */
void um_client_wait_for(um_client_t *c, um_backend_t *b);

/* It has bytes to write: flush it at the end of the turn. */
void um_client_dirty(um_client_t *c);

/* Write what is due.  Called once per turn and when the socket has room. */
void um_client_flush(um_client_t *c);

/* Free what died in this turn. */
void um_client_reap(um_worker_t *w);

/*
 * May it use UMCTL, UMSYNC, UMFORWARD, CONFIG SET?  design.md 6: everything
 * is open without a password; with one, after AUTH or from control_allow or
 * a control listener.
 */
bool um_client_has_control(const um_client_t *c);

/* Bytes of its buffers, for CLIENT LIST. */
uint64_t um_client_memory(const um_client_t *c);

static inline void
um_client_note_write(um_client_t *c, uint64_t gen, uint16_t addr)
{
    if (um_unlikely((c->wrote[0] != addr && c->wrote[1] != addr)
                    || c->wrote_gen != gen))
    {
        um_client_add_write(c, gen, addr);
    }
}

#endif /* UM_CLIENT_H */
