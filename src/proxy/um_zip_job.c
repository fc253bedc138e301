/*
 * Packing and unpacking on a helper thread.
 *
 * A thread works on memory of its own; what it needs is copied or moved there,
 * what it made comes back with the end of the job.  Meanwhile r->zipping keeps
 * the request alive, though its client may leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>

#include "core/um_log.h"
#include "proxy/um_client.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_gens.h"
#include "proxy/um_zip_priv.h"
#include "proxy/um_trace.h"
#include "resp/um_put.h"

/* One value that takes long must not hold up all others. */
#define THREADS 2

typedef struct {
    void (*drop)(void *job); /* the first member: of any job */
    um_worker_t *w;
    um_req_t *r;
    uint64_t memory; /* counted as that of input buffers */
    uint64_t made;   /* by the thread, beside that */
    um_rc_t rc;
} job_t;

typedef struct {
    job_t job;
    um_zip_rule_t rule;
    bool maybe;
    uint64_t gen;   /* of the topology by which it was split */
    um_str_t *argv; /* slices of `plain` */
    uint32_t argc;
    um_sbuf_t plain; /* the words as bulks */
    um_sbuf_t packed;
    const char *why;
} pack_t;

typedef struct {
    job_t job;
    um_chain_t in;  /* the reply, from w->chunks, counted in c->held; or ... */
    um_sbuf_t flat; /* ... what is left of it                               */
    um_sbuf_t text;
    um_unzip_t u;
    um_chunks_t pool; /* of `reply`, until that is the worker's */
    um_chain_t reply;
} unpack_t;

static void
job_drop(void *data)
{
    job_t *j = data;

    j->drop(j);
}

void
um_zip_free(um_zip_t *zip)
{
    if (zip == NULL) {
        return;
    }

    if (zip->jobs != NULL) {
        um_jobs_free(zip->jobs, job_drop);
    }
    um_zstd_deinit(&zip->zstd);
    um_sbuf_deinit(&zip->text);
    um_sbuf_deinit(&zip->flat);
    free(zip);
}

/* Hold `r` and have it done: in this turn, where no thread is to be had. */
static void
job_start(job_t *j, um_job_pt work, um_job_pt done)
{
    um_worker_t *w = j->w;
    um_zip_t *zip = w->zip;

    um_trace_hold(j->r, 0);
    j->r->zipping = true;
    w->in_memory += j->memory;
    w->memory_peak = um_max(w->memory_peak, um_worker_memory(w));

    if (zip->jobs == NULL) {
        zip->jobs = um_jobs_new(w->loop, THREADS);
    }
    if (zip->jobs == NULL || um_jobs_add(zip->jobs, work, done, j) != UM_OK) {
        work(j);
        done(j);
    }
}

/* It is over.  False: nobody waits for it any more, and `r` may be gone. */
static bool
job_end(job_t *j)
{
    um_worker_t *w = j->w;
    um_req_t *r = j->r;

    w->memory_peak = um_max(w->memory_peak, um_worker_memory(w) + j->made);
    w->in_memory -= j->memory;
    r->zipping = false;
    if (r->kind == UM_REQ_PART ? r->join != NULL : r->client != NULL) {
        return true;
    }

    um_req_release(r);
    return false;
}

static void
pack_free(pack_t *p)
{
    um_sbuf_deinit(&p->plain);
    um_sbuf_deinit(&p->packed);
    free(p->argv);
    free(p);
}

static void
pack_drop(void *data)
{
    pack_t *p = data;

    (void) job_end(&p->job);
    pack_free(p);
}

static void
pack_work(void *data)
{
    pack_t *p = data;
    um_zstd_t z = { NULL, NULL };

    p->job.rc = um_zip_words(
        &z, p->argv, p->argc, p->rule, p->maybe, &p->packed, &p->why);
    um_zstd_deinit(&z);
    p->job.made = p->packed.cap;
}

/* The topology may be another one by now: its way is looked for again.  A part
 * may have keys of many slots, whose ways were looked for by the old one. */
static void
pack_send(const pack_t *p)
{
    um_req_t *r = p->job.r;
    um_worker_t *w = r->w;
    um_verdict_t v = um_dispatch_route(w, r->slot, r->hops);
    const um_sbuf_t *words = &p->packed;

    if (r->kind == UM_REQ_PART && p->gen != w->gen) {
        um_req_fail(r, "TRYAGAIN slots moved while the values were compressed, "
                       "this part of the command was not sent");
        return;
    }
    if (v.go != UM_GO_LOCAL && v.go != UM_GO_PEER) {
        um_dispatch_refuse(r, v, r->slot);
        return;
    }

    if (v.go == UM_GO_PEER || !um_zip_is_on(w)) {
        r->hooks &= (uint8_t) ~UM_HOOK_UNZIP;
        words = &p->plain;
    } else {
        um_zip_count_packed(w, p->rule, p->argc);
    }

    r->gen_slot = um_gens_in(w->gens);
    r->counted = true;
    um_dispatch_send(r, v, (um_str_t){ words->data, words->len }, p->argc);
}

static void
pack_done(void *data)
{
    pack_t *p = data;

    if (job_end(&p->job)) {
        if (p->job.rc == UM_OK) {
            pack_send(p);
        } else {
            um_req_fail(p->job.r, "failed to compress data: %s", p->why);
        }
    }
    pack_free(p);
}

/* Copy the words.  UM_ERR: out of memory. */
static um_rc_t
pack_words(pack_t *p, const um_str_t *argv, uint32_t argc)
{
    size_t end = 0;

    p->argv = malloc(argc * sizeof(*p->argv));
    if (p->argv == NULL) {
        return UM_ERR;
    }

    for (uint32_t i = 0; i < argc; i++) {
        um_put_bulk(&p->plain, argv[i]);
        p->argv[i] = (um_str_t){ NULL, p->plain.len };
    }
    if (p->plain.failed) {
        return UM_ERR;
    }

    for (uint32_t i = 0; i < argc; i++) {
        end = p->argv[i].len - 2; /* its CR LF */
        p->argv[i].data = p->plain.data + end - argv[i].len;
        p->argv[i].len = argv[i].len;
    }
    p->argc = argc;
    p->job.memory = p->plain.cap + argc * sizeof(*p->argv);
    return UM_OK;
}

void
um_zip_pack_later(
    um_req_t *r, const um_str_t *argv, uint32_t argc, um_zip_rule_t rule)
{
    pack_t *p = calloc(1, sizeof(*p));

    um_req_uncount(r);
    if (p == NULL || pack_words(p, argv, argc) != UM_OK) {
        if (p != NULL) {
            pack_free(p);
        }
        um_req_fail(r, "failed to compress data: out of memory");
        return;
    }

    p->job.drop = pack_drop;
    p->job.w = r->w;
    p->job.r = r;
    p->rule = rule;
    p->maybe = !r->plain;
    p->gen = r->w->gen;
    job_start(&p->job, pack_work, pack_done);
}

static void
unpack_free(unpack_t *p)
{
    um_chunks_t *chunks = &p->job.w->chunks;

    um_chunks_adopt(chunks, &p->pool);
    um_chain_free(&p->in, chunks);
    um_chain_free(&p->reply, chunks);
    um_sbuf_deinit(&p->flat);
    um_sbuf_deinit(&p->text);
    free(p);
}

static void
unpack_drop(void *data)
{
    unpack_t *p = data;

    (void) job_end(&p->job);
    unpack_free(p);
}

static void
unpack_work(void *data)
{
    unpack_t *p = data;
    um_zstd_t z = { NULL, NULL };

    if (p->in.head != NULL) {
        char *at = um_sbuf_room(&p->flat, p->in.len);

        if (at == NULL) {
            p->job.rc = UM_ERR;
            return;
        }
        um_chain_peek(&p->in, at, p->in.len);
        p->flat.len = p->in.len;
        p->job.made = p->flat.cap;
    }

    p->u.in = (um_str_t){ p->flat.data, p->flat.len };
    p->u.out = &p->text;
    p->job.rc = um_unzip(&p->u, &z, UINT64_MAX);
    um_zstd_deinit(&z);
    um_sbuf_deinit(&p->flat);

    if (p->job.rc == UM_OK) {
        p->job.rc =
            um_chain_add(&p->reply, &p->pool, p->text.data, p->text.len, true);
    }
    p->job.made += p->text.cap;
    um_sbuf_deinit(&p->text);
}

static void
unpack_done(void *data)
{
    unpack_t *p = data;
    um_worker_t *w = p->job.w;
    um_req_t *r = p->job.r;

    if (job_end(&p->job)) {
        um_client_t *c = r->client;

        um_zip_count_unpacked(w, &p->u);
        c->held -= p->in.len;
        if (p->job.rc == UM_OK) {
            um_chunks_adopt(&w->chunks, &p->pool);
            um_chain_move(&r->reply, &p->reply);
            c->held += r->reply.len;
            um_req_reply(r, "", 0, true);
        } else {
            um_zip_fail(r, p->job.rc);
        }
    }
    unpack_free(p);
}

void
um_zip_unpack_later(um_req_t *r, um_unzip_t *u)
{
    unpack_t *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    um_chunks_init(&p->pool);
    p->job.drop = unpack_drop;
    p->job.w = r->w;
    p->job.r = r;
    p->u = um_zip_unzip(r->w);

    if (u == NULL) {
        um_chain_move(&p->in, &r->reply);
    } else {
        p->u = *u;
        p->text = *u->out;
        *u->out = (um_sbuf_t){ 0 };
        um_sbuf_add_str(&p->flat, u->in);
        if (p->flat.failed) {
            unpack_free(p);
            um_req_fail(r, "ERR out of memory");
            return;
        }
        p->job.memory = p->flat.cap + p->text.cap;
    }

    job_start(&p->job, unpack_work, unpack_done);
}
