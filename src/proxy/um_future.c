/*
 * um_future.c -- see um_future.h.  Lines are "<us since 1970> <the rest>\n" on
 * their way between workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_future.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_client_text.h"
#include "proxy/um_client_walk.h"
#include "resp/um_put.h"

typedef struct {
    um_worker_t *w;
    um_sbuf_t lines;         /* ours */
    um_sbuf_t theirs;        /* at the asker */
    um_bus_answer_t *answer; /* at another worker */
    um_req_t *r;             /* at the asker */
    uint32_t left;           /* what is waited for: the walk, the others */
} future_t;

void
um_future_put(
    um_sbuf_t *o, uint64_t since_us, uint64_t id, const char *fmt, ...)
{
    time_t sec = (time_t) (since_us / 1000000);
    char when[32] = "";
    struct tm tm;
    va_list ap;

    if (localtime_r(&sec, &tm) != NULL) {
        (void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    }

    um_sbuf_addf(o, "%020llu %llu %s ", (unsigned long long) since_us,
        (unsigned long long) id, when);
    va_start(ap, fmt);
    um_sbuf_addv(o, fmt, ap);
    va_end(ap);
    um_sbuf_addz(o, "\n");
}

/* ---- what there is ----------------------------------------------------- */

static void
future_visit_client(um_client_t *c, void *data)
{
    future_t *f = data;
    char addr[UM_CLIENT_ADDR_MAX];

    um_client_addr(c, addr);
    um_future_put(&f->lines, c->st.created_us, c->st.id,
        "session: session_id=%llu peer=%s", (unsigned long long) c->st.id,
        addr);
}

static void
future_visit_backend(const um_backend_t *b, void *data)
{
    future_t *f = data;

    if (b->state == UM_BACKEND_READY) {
        um_future_put(&f->lines, b->since_us, b->id,
            "backend::RecoverableBackendNode: address=%s", b->node->addr.text);
    }
}

/* UM_ERR: out of memory, `walked` will not be called. */
static um_rc_t
future_gather(future_t *f, um_client_walked_pt walked)
{
    um_nodes_each(f->w->nodes, future_visit_backend, f);
    return um_client_walk(f->w, future_visit_client, walked, f);
}

static void
future_free(future_t *f)
{
    um_sbuf_deinit(&f->lines);
    um_sbuf_deinit(&f->theirs);
    free(f);
}

/* ---- at another worker ------------------------------------------------- */

static void
future_answered(void *data)
{
    future_t *f = data;
    um_sbuf_t *out = um_bus_answer_text(f->answer);

    /* It is still empty: let it have our lines as they are. */
    *out = f->lines;
    f->lines = (um_sbuf_t){ 0 };
    um_bus_answer_end(f->w->bus, f->answer);
    future_free(f);
}

static void
future_answer(
    um_worker_t *w, UM_UNUSED um_str_t question, um_bus_answer_t *answer)
{
    future_t *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->w = w;
        f->answer = answer;
        if (future_gather(f, future_answered) == UM_OK) {
            return;
        }
        future_free(f);
    }

    um_log_error(0, "UMCTL DEBUG FUTURE: out of memory");
    um_bus_answer_end(w->bus, answer);
}

void
um_future_serve(um_bus_t *bus)
{
    um_bus_serve(bus, UM_BUS_FUTURE, future_answer);
}

/* ---- at the asker ------------------------------------------------------ */

/* The keys have one width, so that they compare as text. */
static int
line_compare(const void *a, const void *b)
{
    const um_str_t *x = a, *y = b;
    int c = memcmp(x->data, y->data, um_min(x->len, y->len));

    return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

static size_t
lines_count(um_str_t lines)
{
    size_t n = 0;

    for (size_t i = 0; i < lines.len; i++) {
        n += lines.data[i] == '\n';
    }

    return n;
}

um_rc_t
um_future_array(um_sbuf_t *o, um_str_t lines)
{
    size_t count = lines_count(lines);
    um_str_t *line = malloc((count + 1) * sizeof(*line));
    const char *p = lines.data;

    if (line == NULL) {
        return UM_ERR;
    }

    for (size_t i = 0; i < count; i++) {
        const char *end =
            memchr(p, '\n', (size_t) (lines.data + lines.len - p));

        line[i] = (um_str_t){ p, (size_t) (end - p) };
        p = end + 1;
    }

    qsort(line, count, sizeof(*line), line_compare);
    um_put_array(o, count);
    for (size_t i = 0; i < count; i++) {
        const char *key = memchr(line[i].data, ' ', line[i].len);
        size_t skip = key == NULL ? 0 : (size_t) (key + 1 - line[i].data);

        um_put_bulk(o, (um_str_t){ line[i].data + skip, line[i].len - skip });
    }

    free(line);
    return UM_OK;
}

/* One of the two we wait for is there. */
static void
future_end(future_t *f)
{
    um_sbuf_t *o;

    if (--f->left > 0) {
        return;
    }

    um_sbuf_add(&f->lines, f->theirs.data, f->theirs.len);
    o = um_req_begin(f->r);
    if (f->lines.failed || f->theirs.failed
        || um_future_array(o, (um_str_t){ f->lines.data, f->lines.len })
               != UM_OK)
    {
        um_req_error(f->r, "ERR out of memory");
    } else {
        um_req_end(f->r);
    }
    future_free(f);
}

static void
future_walked(void *data)
{
    future_end(data);
}

static void
future_asked(void *data, um_str_t answers)
{
    future_t *f = data;

    um_sbuf_add_str(&f->theirs, answers);
    future_end(f);
}

static void
future_ask(um_req_t *r)
{
    future_t *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        um_req_error(r, "ERR out of memory");
        return;
    }

    f->w = r->w;
    f->r = r;
    f->left = 2;
    if (um_bus_ask(r->w->bus, UM_BUS_FUTURE, um_lit(""), future_asked, f)
        != UM_OK) {
        free(f);
        um_req_error(r, "ERR the other workers cannot be asked now, try again");
        return;
    }

    um_req_hold(r);
    if (future_gather(f, future_walked) != UM_OK) {
        f->lines.failed = true;
        f->left--;
    }
}

void
um_umctl_debug(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    if (argc < 3) {
        um_req_error(r, "Missing sub command");
    } else if (um_str_ieq(argv[2], um_lit("FUTURE"))) {
        future_ask(r);
    } else {
        um_req_error(r, "invalid debug sub-command");
    }
}
