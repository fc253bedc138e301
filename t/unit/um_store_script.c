/*
 * um_store_script.c -- plays stories: what can be done in them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_store_play.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

store_env_t
um_story_env(void)
{
    return (store_env_t){
        .now = 1000,
        .failure_ttl = 60,
        .failure_quorum = 1,
        .config = store_config_default,
    };
}

static store_rc_t
proxy_add(store_t *s, const char *address, const char *host, const char *index)
{
    char nodes[2][300];
    store_proxy_args_t a = {
        .address = um_str_of(address),
        .host = um_str_of(host),
        .has_index = index != NULL,
        .index = index != NULL ? strtoull(index, NULL, 10) : 0,
    };

    for (int i = 0; i < 2; i++) {
        const char *colon = strrchr(address, ':');
        int len = colon != NULL ? (int) (colon - address) : 0;

        snprintf(nodes[i], sizeof(nodes[i]), "%.*s:%d", len, address, i + 2);
        a.nodes[i] = um_str_of(nodes[i]);
    }
    return store_add_proxy(s, &a);
}

void
um_story_host(store_t *s, const char *host, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char address[64];

        snprintf(address, sizeof(address), "%s.%u:1", host, i);
        ck_assert_int_eq(proxy_add(s, address, host, NULL), STORE_OK);
    }
}

/* --- what can be done ------------------------------------------------- */

static store_rc_t
do_hosts(play_t *p)
{
    for (unsigned i = 1; i < p->words; i++) {
        char *colon = strchr(p->word[i], ':');

        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        um_story_host(
            p->s, p->word[i], (unsigned) strtoul(colon + 1, NULL, 10));
    }
    return STORE_OK;
}

static store_rc_t
do_proxy(play_t *p)
{
    return proxy_add(p->s, play_arg(p, 1), p->words > 2 ? p->word[2] : "",
        p->words > 3 ? p->word[3] : NULL);
}

static store_rc_t
do_gone(play_t *p)
{
    return store_remove_proxy(p->s, play_text(p, 1));
}

static store_rc_t
do_announce(play_t *p)
{
    return store_announce(p->s, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_announce_all(play_t *p)
{
    for (uint32_t i = 0; i < p->s->by_address.n; i++) {
        ck_assert_int_eq(store_announce(p->s,
                             store_address(p->s, p->s->by_address.at[i]), 1),
            STORE_OK);
    }
    return STORE_OK;
}

static store_rc_t
do_create(play_t *p)
{
    return store_create(p->s, &p->env, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_remove(play_t *p)
{
    return store_remove(p->s, play_text(p, 1));
}

static store_rc_t
do_add(play_t *p)
{
    return store_add_nodes(
        p->s, &p->env, play_text(p, 1), play_number(p, 2), NULL);
}

static store_rc_t
do_total(play_t *p)
{
    return store_scale_nodes(
        p->s, &p->env, play_text(p, 1), play_number(p, 2), NULL);
}

static store_rc_t
do_free(play_t *p)
{
    return store_free_nodes(p->s, play_text(p, 1));
}

static store_rc_t
do_expand(play_t *p)
{
    return store_expand(p->s, &p->env, play_text(p, 1));
}

static store_rc_t
do_shrink(play_t *p)
{
    return store_shrink(p->s, &p->env, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_auto(play_t *p)
{
    return store_auto(p->s, &p->env, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_ready(play_t *p)
{
    return store_scaling_ready(
        p->s, &p->env, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_abandon(play_t *p)
{
    return store_scaling_abandon(p->s, play_text(p, 1), play_text(p, 2));
}

static store_rc_t
do_balance(play_t *p)
{
    return store_balance(p->s, &p->env, play_text(p, 1));
}

static store_rc_t
do_config(play_t *p)
{
    store_pair_t pair[WORDS / 2];
    size_t n = 0;
    store_why_t why;
    store_rc_t rc;

    for (unsigned i = 2; i + 1 < p->words; i += 2) {
        pair[n++] = (store_pair_t){ play_text(p, i), play_text(p, i + 1) };
    }
    rc = store_set_config(p->s, play_text(p, 1), pair, n, &why);
    if (rc == STORE_INVALID_CONFIG) {
        um_sbuf_addf(&p->out, " %.*s=%.*s %s", um_str_fmt(why.key),
            um_str_fmt(why.value), why.message);
    }
    return rc;
}

/* The i-th task of a cluster as its proxies would report it. */
static store_rc_t
task_deed(play_t *p, store_tag_t tag,
    store_rc_t (*fn)(
        store_t *s, const store_env_t *e, const store_task_args_t *a))
{
    uint32_t place = store_find_cluster(p->s, play_text(p, 1));
    uint64_t i = play_number(p, 2);
    store_task_args_t a = { .cluster = play_text(p, 1), .tag = tag };
    store_ranges_t *r;
    store_rc_t rc;

    if (place == STORE_NONE || i >= p->s->cluster[place]->tasks) {
        return fn(p->s, &p->env, &a);
    }
    r = store_ranges_get(p->s->cluster[place]->task[i].ranges);
    a.epoch = p->s->cluster[place]->task[i].epoch;
    a.ranges = r->r;
    a.n = r->n;
    rc = fn(p->s, &p->env, &a);
    store_ranges_put(r);
    return rc;
}

static store_rc_t
do_commit(play_t *p)
{
    return task_deed(p, STORE_TAG_MIGRATING, store_commit);
}

static store_rc_t
do_commit_all(play_t *p)
{
    uint32_t place = store_find_cluster(p->s, play_text(p, 1));
    char zero[] = "0";

    p->word[p->words++] = zero;
    while (p->s->cluster[place]->tasks > 0) {
        ck_assert_int_eq(do_commit(p), STORE_OK);
        ck_assert_ptr_null(store_audit(p->s));
    }
    return STORE_OK;
}

static store_rc_t
undone(store_t *s, const store_env_t *e UM_UNUSED, const store_task_args_t *a)
{
    return store_undone(s, a);
}

static store_rc_t
do_undone(play_t *p)
{
    return task_deed(p,
        strcmp(play_arg(p, 3), "dst") == 0 ? STORE_TAG_IMPORTING
                                           : STORE_TAG_MIGRATING,
        undone);
}

static store_rc_t
do_start(play_t *p)
{
    return store_start(p->s, &p->env);
}

static store_rc_t
do_cancel(play_t *p)
{
    return store_cancel(p->s, play_text(p, 1));
}

static store_rc_t
do_report(play_t *p)
{
    return store_report(p->s, &p->env, play_text(p, 1), play_text(p, 2));
}

static store_rc_t
do_alive(play_t *p)
{
    return store_unreport(p->s, play_text(p, 1), play_text(p, 2));
}

/* Out into a text and in again, under the limit that is set now. */
static store_rc_t
do_restart(play_t *p)
{
    um_sbuf_t text = { 0 };
    store_t *back = NULL;
    store_why_t why;
    store_rc_t rc;

    store_dump(p->s, &text);
    rc = store_load(
        (um_str_t){ text.data, text.len }, false, &p->env, &back, &why);
    um_sbuf_deinit(&text);
    if (rc == STORE_OK) {
        store_free(p->s);
        p->s = back;
    }
    return rc;
}

static store_rc_t
do_failover(play_t *p)
{
    um_str_t heir;
    store_rc_t rc = store_failover(p->s, &p->env, play_text(p, 1), &heir);

    if (heir.len > 0) {
        um_sbuf_addf(&p->out, " %.*s", um_str_fmt(heir));
    }
    return rc;
}

static store_rc_t
do_repair(play_t *p)
{
    size_t n;
    store_rc_t rc = store_repair(p->s, &p->env, &n);

    um_sbuf_addf(&p->out, " %zu", n);
    return rc;
}

static store_rc_t
do_purge(play_t *p)
{
    store_purge(p->s, &p->env);
    return STORE_OK;
}

static store_rc_t
do_set_epoch(play_t *p)
{
    return store_set_epoch(p->s, play_number(p, 1));
}

static store_rc_t
do_recover(play_t *p)
{
    return store_recover_epoch(p->s, play_number(p, 1));
}

static store_rc_t
do_seen(play_t *p)
{
    return store_seen(p->s, play_text(p, 1), play_number(p, 2));
}

static store_rc_t
do_at(play_t *p)
{
    p->env.now = play_number(p, 1);
    return STORE_OK;
}

static store_rc_t
do_quorum(play_t *p)
{
    p->env.failure_quorum = play_number(p, 1);
    return STORE_OK;
}

static store_rc_t
do_limit(play_t *p)
{
    p->env.migration_limit = play_number(p, 1);
    return STORE_OK;
}

static const play_deed_t deeds[] = {
    { "hosts", do_hosts },
    { "proxy", do_proxy },
    { "gone", do_gone },
    { "announce", do_announce },
    { "announce-all", do_announce_all },
    { "create", do_create },
    { "remove", do_remove },
    { "add", do_add },
    { "total", do_total },
    { "free", do_free },
    { "expand", do_expand },
    { "shrink", do_shrink },
    { "auto", do_auto },
    { "ready", do_ready },
    { "abandon", do_abandon },
    { "balance", do_balance },
    { "config", do_config },
    { "commit", do_commit },
    { "commit-all", do_commit_all },
    { "undone", do_undone },
    { "start", do_start },
    { "cancel", do_cancel },
    { "report", do_report },
    { "alive", do_alive },
    { "restart", do_restart },
    { "failover", do_failover },
    { "repair", do_repair },
    { "purge", do_purge },
    { "set-epoch", do_set_epoch },
    { "recover", do_recover },
    { "seen", do_seen },
    { "at", do_at },
    { "quorum", do_quorum },
    { "limit", do_limit },
};

static store_rc_t
deed(play_t *p)
{
    for (size_t i = 0; i < um_countof(deeds); i++) {
        if (strcmp(deeds[i].name, p->word[0]) == 0) {
            return deeds[i].fn(p);
        }
    }
    for (size_t i = 0; i < play_asks_n; i++) {
        if (strcmp(play_asks[i].name, p->word[0]) == 0) {
            return play_asks[i].fn(p);
        }
    }
    ck_abort_msg("no deed is called '%s'", p->word[0]);
    return STORE_OK;
}

/* Out and in again gives the same text. */
static void
round_trip(const store_t *s, const store_env_t *env, const char *line)
{
    um_sbuf_t one = { 0 };
    um_sbuf_t two = { 0 };
    store_t *back = NULL;
    store_why_t why;
    store_rc_t rc;

    store_dump(s, &one);
    rc = store_load((um_str_t){ one.data, one.len }, false, env, &back, &why);
    ck_assert_msg(rc == STORE_OK, "%s: the dump says %s: %s %s", line,
        store_rc_name(rc), why.field, why.message);
    ck_assert_msg(store_audit(back) == NULL, "%s: once loaded: %s", line,
        store_audit(back));
    store_dump(back, &two);
    ck_assert_str_eq(um_sbuf_cstr(&one), um_sbuf_cstr(&two));
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
    store_free(back);
}

/* A failed line, or a question, has left everything as it was. */
static void
same_as(const store_t *a, const store_t *b, const char *line)
{
    um_sbuf_t one = { 0 };
    um_sbuf_t two = { 0 };

    store_dump(a, &one);
    store_dump(b, &two);
    ck_assert_msg(strcmp(um_sbuf_cstr(&one), um_sbuf_cstr(&two)) == 0,
        "%s: changed, and the serial did not:\n%s\n%s", line,
        um_sbuf_cstr(&one), um_sbuf_cstr(&two));
    um_sbuf_deinit(&one);
    um_sbuf_deinit(&two);
}

static void
line_play(play_t *p, const um_line_t *l, const char *why)
{
    char copy[512];
    char *save = NULL;
    store_t *old = p->s;
    store_rc_t rc;

    snprintf(copy, sizeof(copy), "%s", l->line);
    p->words = 0;
    for (char *w = strtok_r(copy, " ", &save); w != NULL && p->words < WORDS;
         w = strtok_r(NULL, " ", &save))
    {
        p->word[p->words++] = w;
    }

    p->s = store_copy(old);
    ck_assert_ptr_nonnull(p->s);
    um_sbuf_clear(&p->out);
    rc = deed(p);
    ck_assert_msg(store_audit(p->s) == NULL, "%s: %s: %s", why, l->line,
        store_audit(p->s));
    if (store_serial(p->s) == store_serial(old)) {
        same_as(old, p->s, l->line);
    } else {
        ck_assert_msg(store_epoch(p->s) >= store_epoch(old), "%s", l->line);
        round_trip(p->s, &p->env, l->line);
    }
    store_free(old);

    if (l->line[0] != '?' || rc != STORE_OK) {
        um_sbuf_t says = { 0 };

        um_sbuf_addz(&says, store_rc_name(rc));
        um_sbuf_add(&says, p->out.data, p->out.len);
        ck_assert_msg(strcmp(um_sbuf_cstr(&says), l->says) == 0,
            "%s: %s: said '%s', not '%s'", why, l->line, um_sbuf_cstr(&says),
            l->says);
        um_sbuf_deinit(&says);
    } else {
        ck_assert_msg(strcmp(um_sbuf_cstr(&p->out), l->says) == 0,
            "%s: %s: said '%s', not '%s'", why, l->line, um_sbuf_cstr(&p->out),
            l->says);
    }
}

void
um_story_play(const um_story_t *story)
{
    play_t p = { .env = um_story_env(), .s = store_new(story->ordered) };

    ck_assert_ptr_nonnull(p.s);
    for (size_t i = 0; i < UM_STORY_LINES && story->line[i].line != NULL; i++) {
        line_play(&p, &story->line[i], story->why);
    }
    store_free(p.s);
    um_sbuf_deinit(&p.out);
}
