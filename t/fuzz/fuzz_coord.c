/*
 * fuzz_coord.c -- what a broker and proxies say to the coordinator: the view of
 * a cluster, a beat, a finished migration, those that are taken back.  What it
 * makes of a view is a request as a proxy reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "beat_text.h"
#include "cluster_text.h"
#include "core/um_str.h"
#include "migrate_text.h"
#include "resp/um_scan.h"
#include "undo_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* It must be one whole request. */
static void
check_request(const text_t *t)
{
    const um_scan_limits_t limits = {
        .max_args = UINT32_MAX,
        .max_bulk = UINT32_MAX,
        .max_inline = 1024,
    };
    um_sbuf_t bytes = { 0 };
    um_args_t args;
    um_scan_t scan = { 0 };
    const char *err;
    size_t used = 0;

    um_args_init(&args);
    for (uint32_t i = 0; i < t->pieces; i++) {
        um_sbuf_add_str(&bytes, t->piece[i]);
    }
    if (bytes.len == 0
        || um_scan_request(
               &scan, &limits, bytes.data, bytes.len, &args, &used, &err)
               != UM_OK
        || used != bytes.len)
    {
        abort();
    }
    um_args_deinit(&args);
    um_sbuf_deinit(&bytes);
}

static void
try_view(um_str_t text)
{
    const char *wrong;
    view_t *v;
    text_t t = { 0 };

    if (view_parse(text, &v, &wrong) != UM_OK) {
        return;
    }

    for (uint32_t i = 0; i < v->proxies && i < 8; i++) {
        text_setrepl(v, i, &t);
        check_request(&t);
        text_setcluster(v, i, &t);
        check_request(&t);
        text_setcluster_packed(v, i, &t);
        check_request(&t);
    }
    text_deinit(&t);
    view_free(v);
}

/* What a proxy names is what it was told. */
static bool
on_undo(void *data UM_UNUSED, const undo_task_t *t)
{
    um_sbuf_t words = { 0 }, body = { 0 };

    undo_command(t, 1, &words);
    undo_body(t, 1, &body);
    if (words.failed || body.failed) {
        abort();
    }
    um_sbuf_deinit(&words);
    um_sbuf_deinit(&body);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    um_str_t text = { (const char *) data, size };
    migrate_task_t task;
    um_sbuf_t body = { 0 };
    beat_t beat;

    try_view(text);
    if (beat_parse(text, &beat) == UM_OK && beat.fault[0] == '\0') {
        abort();
    }
    if (migrate_parse(text, &task, &body) == UM_OK
        && (task.cluster[0] == '\0' || task.src_proxy[0] == '\0'))
    {
        abort();
    }
    um_sbuf_deinit(&body);
    if (undo_parse(text, on_undo, NULL) == UM_ERR) {
        abort(); /* on_undo takes all */
    }
    return 0;
}
