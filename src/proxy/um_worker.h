/*
 * um_worker.h -- one worker process: its loop, its view of the cluster, all
 * it owns.  Nothing in it is shared but the noticeboard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_WORKER_H
#define UM_WORKER_H

#include "net/um_chain.h"
#include "net/um_job.h"
#include "net/um_loop.h"
#include "core/um_list.h"
#include "proxy/um_fds.h"
#include "proxy/um_proxy_conf.h"
#include "proxy/um_req.h"
#include "resp/um_cmd.h"
#include "resp/um_scan.h"
#include "shm/um_heritage.h"

typedef struct um_nodes_s um_nodes_t;
typedef struct um_bus_s um_bus_t;
typedef struct um_gate_s um_gate_t;
typedef struct um_gens_s um_gens_t;
typedef struct um_listen_s um_listen_t;
typedef struct um_umctl_s um_umctl_t;
typedef struct um_cluster_cache_s um_cluster_cache_t;
typedef struct um_cmd_foreign_s um_cmd_foreign_t;
typedef struct um_learn_s um_learn_t;
typedef struct um_trace_s um_trace_t;
typedef struct um_zip_s um_zip_t;

#define UM_WORKER_RBUF 262144

struct um_worker_s {
    const um_heritage_t *heritage;
    const um_proxy_conf_t *conf;
    um_shm_t *shm;
    um_row_sh_t *row;

    um_loop_t *loop;
    um_timer_t *tick;   /* deadlines, housekeeping        */
    um_timer_t *again;  /* another turn without waiting   */
    um_io_t signals;    /* signalfd */
    um_io_t master;     /* heritage->master_fd */
    um_jobs_t *jobs;    /* decoding */
    um_jobs_t *lookups; /* names    */
    um_bus_t *bus;

    uint32_t now_us;          /* this turn's time, um_trace.h    */
    uint32_t slow_us;         /* what takes as long is slow      */
    um_times_row_sh_t *times; /* our row                         */
    um_backend_t *answering;  /* whose replies are being read    */
    um_trace_t *trace;

    /* Answered one after the other, and alike: counted together. */
    struct {
        const um_cmd_t *cmd;
        uint32_t start_us;
        uint32_t calls;
        uint32_t sent_us;
        uint32_t replies;
    } run;

    um_topo_t *topo;  /* what we route by; never NULL, replaced as a whole */
    um_topo_t *spare; /* the other private copy */
    uint64_t gen;     /* of `topo` */
    um_gens_t *gens;  /* unanswered requests by generation */
    um_nodes_t *nodes;
    um_gate_t *gate; /* which local nodes may be sent to */
    struct um_node_s *node_at[UM_TOPO_ADDRS]; /* by index into topo->addr */

    um_listen_t *listen;
    um_list_t clients; /* in the order of their ids */
    uint32_t client_count;
    um_list_t dirty_clients;
    um_list_t walks; /* um_client_walk.c: over all clients */
    um_list_t resumed;
    um_list_t dead_clients;
    um_list_t dirty_backends;
    um_list_t dead_backends;

    um_chunks_t chunks;
    um_slab_t reqs;
    um_slab_t client_slab;
    uint64_t in_memory;   /* bytes of clients' input buffers */
    uint64_t memory_peak; /* since memory was last given back */
    uint64_t trimmed;     /* bytes of slabs freed since then  */
    um_fds_t fds;         /* how many clients and private connections */
    uint32_t private_count;
    um_list_t blocks;      /* um_block.h: all that wait, ...  */
    um_list_t blocks_off;  /* ... those being called off, ... */
    um_list_t blocks_held; /* ... those that may not be sent yet */
    uint32_t blocked;      /* clients that wait              */
    uint64_t block_second_ns;
    uint32_t deaths; /* um_orphans.c: of those we know */

    char *rbuf; /* UM_WORKER_RBUF bytes; whoever reads, for the callback */
    um_args_t args;
    um_keys_t keys;
    um_sbuf_t answer;       /* um_req_begin() */
    um_sbuf_t scratch;      /* bytes of one request being built */
    um_sbuf_t inline_words; /* an inline command as bulks */
    um_scan_limits_t limits;
    um_cmd_foreign_t *foreign; /* commands the table does not know */
    um_learn_t *learn;
    um_zip_t *zip; /* compression of values */

    um_umctl_t *umctl;            /* um_umctl.c: SETCLUSTERs under way */
    um_cluster_cache_t *clusters; /* um_cluster_cmd.c: texts by generation */

    uint64_t next_second_ns;
    bool walking_idle;  /* such a walk is under way: who is idle */
    bool walking_quiet; /* likewise: who may be closed, draining */

    bool draining; /* accepts nobody, closes clients when nothing is due */
    bool retiring; /* accepts nobody, serves those it has               */
    bool stopping; /* leaves at the end of this turn                    */
    bool master_gone;
    uint64_t gone_ns; /* since then */
    bool row_frozen;  /* leaving with commands unanswered: what our row lists
                         is for others to kill */
};

/*
 * main() of a worker process; returns the exit code, 0 after a clean end (all
 * requests answered, its row's connection ids cleared).
 *
 * Signals: SIGTERM leaves at once; SIGQUIT drains: clients are closed as soon
 * as they have nothing unanswered; SIGWINCH retires (a reload): accepts nobody
 * any more, serves its clients on until they leave; SIGUSR1 reopens the log.
 * SIGINT and SIGHUP are ignored.  When heritage->master_fd ends it drains.
 * The master forks with these signals blocked; they are unblocked here once
 * they are handled.
 */
int um_worker_run(const um_heritage_t *heritage);

/* Time of this turn, um_clock_ns(). */
static inline uint64_t
um_worker_now(um_worker_t *w)
{
    return um_loop_now(w->loop);
}

/* All bytes its buffers hold now. */
static inline uint64_t
um_worker_memory(const um_worker_t *w)
{
    return w->chunks.memory + w->in_memory;
}

#endif /* UM_WORKER_H */
