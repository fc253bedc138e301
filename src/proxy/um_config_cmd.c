/*
 * um_config_cmd.c -- CONFIG GET and SET, as Redis 7.0 answers them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_client_text.h"
#include "proxy/um_config_param.h"
#include "proxy/um_subcmd.h"
#include "resp/um_put.h"

#define CONFIG_PARAMS_MAX 64 /* um_config_param_count() at most */

/* ---- CONFIG GET --------------------------------------------------------- */

/* The parameters that were asked for, each once, under the name they got. */
typedef struct {
    const um_config_param_t *param[CONFIG_PARAMS_MAX];
    um_str_t name[CONFIG_PARAMS_MAX];
    size_t count;
} config_found_t;

static void
found_add(config_found_t *f, const um_config_param_t *p, um_str_t name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->param[i] == p) {
            return;
        }
    }

    um_assert(f->count < CONFIG_PARAMS_MAX);
    f->param[f->count] = p;
    f->name[f->count++] = name;
}

static bool
config_is_pattern(um_str_t word)
{
    return memchr(word.data, '*', word.len) != NULL
           || memchr(word.data, '?', word.len) != NULL
           || memchr(word.data, '[', word.len) != NULL;
}

/* A name without wildcards is given back as it came, in its own case. */
static void
config_find(config_found_t *f, um_str_t word)
{
    const um_config_param_t *p;

    if (!config_is_pattern(word)) {
        p = um_config_param_find(word);
        if (p != NULL) {
            found_add(f, p, word);
        }
        return;
    }

    for (size_t i = 0; i < um_config_param_count(); i++) {
        p = um_config_param_at(i);
        if (um_str_glob(word, um_str_of(p->name), true)) {
            found_add(f, p, um_str_of(p->name));
        }
    }
}

static void
config_get(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    config_found_t f = { .count = 0 };
    um_sbuf_t value = { 0 };
    um_sbuf_t *o;

    for (uint32_t i = 2; i < argc; i++) {
        config_find(&f, argv[i]);
    }

    o = um_req_begin(r);
    um_put_map(o, f.count, r->client->st.proto);

    for (size_t i = 0; i < f.count; i++) {
        um_sbuf_clear(&value);
        um_config_param_value(f.param[i], r->w, &value);
        o->failed |= value.failed;
        um_put_bulk(o, f.name[i]);
        um_put_bulk(o, (um_str_t){ value.data, value.len });
    }

    um_req_end(r);
    um_sbuf_deinit(&value);
}

/* ---- CONFIG SET --------------------------------------------------------- */

static void
config_set_failed(um_req_t *r, const um_config_param_t *p, const char *why)
{
    um_req_error(r,
        "ERR CONFIG SET failed (possibly related to argument '%s') - %s",
        p->name, why);
}

/* Two names may mean one number. */
static bool
config_same(const um_config_param_t *a, const um_config_param_t *b)
{
    return a == b || (a->live != UM_LIVE_NONE && a->live == b->live);
}

/*
 * Look up all that is to be set, and what Redis checks before it looks at any
 * value.  NULL and answered with an error, or a list to be freed.
 */
static const um_config_param_t **
config_set_find(um_req_t *r, const um_str_t *argv, uint32_t pairs)
{
    const um_config_param_t **found = calloc(pairs, sizeof(const void *));

    if (found == NULL) {
        um_req_error(r, "ERR out of memory");
        return NULL;
    }

    for (uint32_t i = 0; i < pairs; i++) {
        const char *wrong = NULL;

        found[i] = um_config_param_find(argv[2 * i]);
        if (found[i] == NULL) {
            um_req_error(r,
                "ERR Unknown option or number of arguments for CONFIG SET - "
                "'%.*s'",
                um_str_fmt(argv[2 * i]));
            free(found);
            return NULL;
        }

        if (found[i]->live == UM_LIVE_NONE) {
            wrong = "can't set immutable config";
        }
        for (uint32_t j = 0; j < i && wrong == NULL; j++) {
            if (config_same(found[i], found[j])) {
                wrong = "duplicate parameter";
            }
        }

        if (wrong != NULL) {
            config_set_failed(r, found[i], wrong);
            free(found);
            return NULL;
        }
    }

    return found;
}

/* Nothing is set unless all can be. */
static void
config_set(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    uint32_t pairs = (argc - 2) / 2;
    const um_config_param_t **found;
    int64_t number[UM_LIVE_COUNT];
    char addr[UM_CLIENT_ADDR_MAX];

    if (argc % 2 != 0) {
        um_req_error(r, "ERR syntax error");
        return;
    }

    found = config_set_find(r, argv + 2, pairs);
    if (found == NULL) {
        return;
    }

    um_assert(pairs < UM_LIVE_COUNT); /* each is live, and there once */

    for (uint32_t i = 0; i < pairs; i++) {
        char text[96];
        const char *wrong = um_config_param_parse(found[i], r->w->shm->settings,
            argv[2 * i + 3], &number[i], text, sizeof(text));

        if (wrong != NULL) {
            config_set_failed(r, found[i], wrong);
            free(found);
            return;
        }
    }

    um_client_addr(r->client, addr);
    for (uint32_t i = 0; i < pairs; i++) {
        um_config_param_store(found[i], r->w->shm->settings, number[i]);
        um_log_notice(0, "config: %s is %lld now (client %s)", found[i]->name,
            (long long) number[i], addr);
    }

    um_req_ok(r);
    free(found);
}

/* ---- */

static void
config_resetstat(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    um_workers_forget(r->w->shm->workers);
    um_times_forget(r->w->shm->times);
    um_req_ok(r);
}

static void
config_help(
    um_req_t *r, UM_UNUSED const um_str_t *argv, UM_UNUSED uint32_t argc)
{
    static const char *const lines[] = {
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their "
        "values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        NULL,
    };

    um_subcmd_help(r, "CONFIG", lines);
}

void
um_self_config(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    static const um_subcmd_t subs[] = {
        { "get", config_get },
        { "set", config_set },
        { "resetstat", config_resetstat },
        { "help", config_help },
    };

    um_subcmd_run(r, argv, argc, subs, um_countof(subs));
}
