/* SPDX-License-Identifier: Apache-2.0 */

#include "storage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "core/um_log.h"

/* ---- Trouble ------------------------------------------------------------ */

void
storage_trouble(broker_t *b, trouble_t kind, int err, const char *fmt, ...)
{
    char text[sizeof(b->trouble_text)];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    if (b->trouble == TROUBLE_NONE || strcmp(text, b->trouble_text) != 0) {
        memcpy(b->trouble_text, text, sizeof(text));
        um_log_error(err, "%s: %s; changes are refused until it works again",
            um_sbuf_cstr(&b->where), text);
    }
    b->trouble = kind;
}

void
storage_works(broker_t *b, trouble_t how)
{
    if (b->trouble != TROUBLE_NONE
        && (how == TROUBLE_KEEP || b->trouble == TROUBLE_REACH))
    {
        um_log_notice(0, "%s: works again", um_sbuf_cstr(&b->where));
        b->trouble = TROUBLE_NONE;
    }
}

void
storage_tell(broker_t *b)
{
    store_counts_t n;

    if (store_ordered(b->store) != b->conf->ordered) {
        um_log_error(0, "enable_ordered_proxy is not what %s says, which wins",
            um_sbuf_cstr(&b->where));
    }

    store_count(b->store, &n);
    um_log_notice(0, "%s: %u proxies, %u clusters, epoch %llu",
        um_sbuf_cstr(&b->where), n.proxies, n.clusters,
        (unsigned long long) store_epoch(b->store));
}

/* ---- In memory ---------------------------------------------------------- */

static um_rc_t
memory_open(broker_t *b)
{
    um_sbuf_addz(&b->where, "metadata is in memory only");
    b->ready = true;
    return UM_OK;
}

static void
memory_close(broker_t *b UM_UNUSED)
{
}

/* Nobody else writes to it. */
static void
own_fetch(broker_t *b)
{
    changes_fetched(b, STORE_OK);
}

static void
memory_keep(broker_t *b)
{
    changes_kept(b, STORE_OK);
}

const storage_t storage_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .fetch = own_fetch,
    .keep = memory_keep,
};

/* ---- In a file ---------------------------------------------------------- */

/* Keeps the store that a text makes: it is parsed once. */
static const char *
file_take(um_str_t text, void *data)
{
    static char phrase[400];
    broker_t *b = data;
    store_why_t why = { 0 };
    store_t *s;
    store_rc_t rc = store_load(text, true, broker_env(b), &s, &why);

    if (rc != STORE_OK) {
        (void) snprintf(phrase, sizeof(phrase), "%s %s %s", store_rc_name(rc),
            why.field, why.message != NULL ? why.message : "");
        return phrase;
    }

    store_free(b->store);
    b->store = s;
    return NULL;
}

static um_rc_t
file_open(broker_t *b)
{
    um_sbuf_t text = { 0 };
    um_rc_t rc = file_init(&b->file, b->conf->file, &file_sys);

    um_sbuf_addf(&b->where, "storage file %s", b->conf->file);
    if (rc == UM_AGAIN) {
        um_log_error(
            0, "storage file %s: another process has it", b->conf->file);
    }
    if (rc != UM_OK) {
        return UM_ERR;
    }

    b->ready = true;
    if (!b->conf->recover) {
        return UM_OK;
    }

    rc = file_load(&b->file, file_take, b, &text, &b->notes);
    b->replica = b->notes & FILE_REPLICA;
    um_sbuf_deinit(&text);
    return rc == UM_ERR ? UM_ERR : UM_OK;
}

static void
file_close(broker_t *b)
{
    um_sbuf_deinit(&b->text);
    if (b->file.path != NULL) {
        file_deinit(&b->file);
    }
}

/* On a helper thread. */
static void
file_work(void *data)
{
    broker_t *b = data;
    um_str_t text = { b->text.data, b->text.len };
    unsigned notes = b->next_replica ? FILE_REPLICA : 0;

    b->saved = file_save(&b->file, text, notes, &b->fault) == UM_OK;
}

static void
file_done(void *data)
{
    broker_t *b = data;

    um_sbuf_deinit(&b->text);
    if (b->saved) {
        b->stats.saves++;
        storage_works(b, TROUBLE_KEEP);
        changes_kept(b, STORE_OK);
        return;
    }

    b->stats.save_failures++;
    storage_trouble(b, TROUBLE_KEEP, b->fault.err, "%s failed", b->fault.what);
    changes_kept(b, STORE_PERSISTENCE_IO_ERROR);
}

static void
file_keep(broker_t *b)
{
    store_dump(b->next, &b->text);
    if (b->text.failed
        || um_jobs_add(b->jobs, file_work, file_done, b) != UM_OK) {
        um_log_error(ENOMEM, "storage file %s", b->file.path);
        um_sbuf_deinit(&b->text);
        changes_kept(b, STORE_PERSISTENCE_IO_ERROR);
    }
}

const storage_t storage_file = {
    .name = "file",
    .open = file_open,
    .close = file_close,
    .fetch = own_fetch,
    .keep = file_keep,
};
