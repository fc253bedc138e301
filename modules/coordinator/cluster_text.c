/* SPDX-License-Identifier: Apache-2.0 */

#include "cluster_text.h"

#include <string.h>

#include "core/um_str.h"
#include "meta/um_base64.h"
#include "meta/um_gzip.h"

/* Words of a SETCLUSTER before those of nodes: UMCTL SETCLUSTER v2 EPOCH FLAGS
 * NAME. */
#define HEAD_WORDS 6

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- Words -------------------------------------------------------------- */

static void
add_word(um_sbuf_t *b, um_str_t word)
{
    um_sbuf_addz(b, "$");
    um_sbuf_add_u64(b, word.len);
    um_sbuf_addz(b, "\r\n");
    um_sbuf_add_str(b, word);
    um_sbuf_addz(b, "\r\n");
}

static void
add_wordz(um_sbuf_t *b, const char *word)
{
    add_word(b, um_str_of(word));
}

static void
add_number(um_sbuf_t *b, uint64_t n)
{
    char digits[20];

    add_word(b, (um_str_t){ digits, um_u64_format(n, digits) });
}

static uint64_t
number_of(const cJSON *v)
{
    return (uint64_t) v->valuedouble;
}

/* "a-b" */
static void
add_range(um_sbuf_t *b, const cJSON *r)
{
    char text[41];
    size_t n = um_u64_format(number_of(r->child), text);

    text[n++] = '-';
    n += um_u64_format(number_of(r->child->next), text + n);
    add_word(b, (um_str_t){ text, n });
}

/* How many words that were; nothing for no slots. */
static uint32_t
add_slots(um_sbuf_t *b, const char *address, const cJSON *slots)
{
    uint32_t words = 0;

    for (const cJSON *s = slots->child; s != NULL; s = s->next) {
        const cJSON *list = member(s, "range_list");
        const cJSON *tag = member(s, "tag");
        uint32_t ranges = (uint32_t) cJSON_GetArraySize(list);
        const cJSON *m = cJSON_IsObject(tag) ? tag->child : NULL;

        if (ranges == 0) {
            continue;
        }

        add_wordz(b, address);
        if (m != NULL) {
            bool out = strcmp(m->string, "Migrating") == 0;

            add_wordz(b, out ? "MIGRATING" : "IMPORTING");
        }
        add_number(b, ranges);
        for (const cJSON *r = list->child; r != NULL; r = r->next) {
            add_range(b, r);
        }
        words += 2 + ranges;

        if (m != NULL) {
            add_number(b, number_of(member(m, "epoch")));
            add_wordz(b, member(m, "src_proxy_address")->valuestring);
            add_wordz(b, member(m, "src_node_address")->valuestring);
            add_wordz(b, member(m, "dst_proxy_address")->valuestring);
            add_wordz(b, member(m, "dst_node_address")->valuestring);
            words += 6;
        }
    }

    return words;
}

/* ---- What a cluster's texts have in common ------------------------------ */

static const struct {
    const char *group; /* of the view's config; NULL: its own level */
    const char *member;
    const char *word;
    const char *dflt;
} config_fields[] = {
    { NULL, "compression_strategy", "compression_strategy", "disabled" },
    { "migration_config", "max_migration_time", "migration_max_migration_time",
        "10800" },
    { "migration_config", "max_blocking_time", "migration_max_blocking_time",
        "10000" },
    { "migration_config", "scan_interval", "migration_scan_interval", "500" },
    { "migration_config", "scan_count", "migration_scan_count", "16" },
};

/* CONFIG and its pairs; how many words. */
static uint32_t
add_config(um_sbuf_t *b, const cJSON *config)
{
    add_wordz(b, "CONFIG");
    for (size_t i = 0; i < um_countof(config_fields); i++) {
        const char *group = config_fields[i].group;
        const cJSON *v = member(group != NULL ? member(config, group) : config,
            config_fields[i].member);

        add_wordz(b, config_fields[i].word);
        if (cJSON_IsString(v)) {
            add_wordz(b, v->valuestring);
        } else if (cJSON_IsNumber(v) && v->valuedouble >= 0) {
            add_number(b, number_of(v));
        } else {
            add_wordz(b, config_fields[i].dflt);
        }
    }

    return 1 + 2 * (uint32_t) um_countof(config_fields);
}

static void
add_json(um_sbuf_t *b, const cJSON *v)
{
    char *text = cJSON_PrintUnformatted(v);

    if (text == NULL) {
        b->failed = true;
        return;
    }

    um_sbuf_addz(b, text);
    cJSON_free(text);
}

/* "address": -- which has no quotes: it is a word, and from JSON. */
static void
add_json_key(um_sbuf_t *b, const char *key)
{
    cJSON name = { .type = cJSON_String,
        .valuestring = (char *) (uintptr_t) key };

    add_json(b, &name);
    um_sbuf_addz(b, ":");
}

/* The slots of all masters of a proxy as one array; how many entries. */
static uint32_t
add_json_slots(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    uint32_t count = 0;

    um_sbuf_addz(b, "[");
    view_each_node(v, n, p)
    {
        if (!v->node[n].master) {
            continue;
        }
        for (const cJSON *s = v->node[n].slots->child; s != NULL; s = s->next) {
            um_sbuf_addz(b, count++ > 0 ? "," : "");
            add_json(b, s);
        }
    }
    um_sbuf_addz(b, "]");
    return count;
}

static void
prepare_peer(view_t *v, view_proxy_t *p)
{
    um_sbuf_t *json = &v->peer_json;
    size_t at = json->len;

    p->words_at = v->peer_words.len;
    view_each_node(v, n, p)
    {
        if (v->node[n].master) {
            p->words += add_slots(&v->peer_words, p->address, v->node[n].slots);
        }
    }
    p->words_len = v->peer_words.len - p->words_at;

    p->json_at = at;
    if (p->words > 0) {
        add_json_key(json, p->address);
        (void) add_json_slots(json, v, p);
        um_sbuf_addz(json, ",");
    }
    p->json_len = json->len - at;
}

um_rc_t
text_prepare(view_t *v, const cJSON *config)
{
    for (uint32_t i = 0; i < v->proxies; i++) {
        prepare_peer(v, &v->proxy[i]);
    }

    v->config_count = add_config(&v->config_words, config);
    if (cJSON_IsObject(config)) {
        add_json(&v->config_json, config);
    } else {
        um_sbuf_addz(&v->config_json, "{}");
    }

    return v->peer_words.failed || v->config_words.failed || v->peer_json.failed
                   || v->config_json.failed
               ? UM_ERR
               : UM_OK;
}

/* ---- Texts -------------------------------------------------------------- */

static void
text_begin(text_t *t, uint32_t words, const char *what)
{
    um_sbuf_clear(&t->own);
    t->own.failed = false;
    t->pieces = 0;
    um_sbuf_addz(&t->own, "*");
    um_sbuf_add_u64(&t->own, words);
    um_sbuf_addz(&t->own, "\r\n");
    add_wordz(&t->own, "UMCTL");
    add_wordz(&t->own, what);
}

static void
text_piece(text_t *t, const char *data, size_t len)
{
    t->piece[t->pieces++] = (um_str_t){ data, len };
}

/* Nothing is added to `own` any more. */
static void
text_own(text_t *t)
{
    if (!t->own.failed) {
        text_piece(t, t->own.data, t->own.len);
    }
}

static void
setrepl_node(um_sbuf_t *b, const view_t *v, const view_node_t *n)
{
    add_wordz(b, n->master ? "master" : "replica");
    add_wordz(b, v->name);
    add_wordz(b, n->address);
    add_number(b, (uint64_t) cJSON_GetArraySize(n->peers));
    for (const cJSON *p = n->peers->child; p != NULL; p = p->next) {
        add_wordz(b, member(p, "node_address")->valuestring);
        add_wordz(b, member(p, "proxy_address")->valuestring);
    }
}

void
text_setrepl(const view_t *v, uint32_t i, text_t *t)
{
    const view_proxy_t *p = &v->proxy[i];
    uint32_t words = 4;

    view_each_node(v, n, p)
    {
        words += 4 + 2 * (uint32_t) cJSON_GetArraySize(v->node[n].peers);
    }

    text_begin(t, words, "SETREPL");
    add_number(&t->own, v->epoch);
    add_wordz(&t->own, "NOFLAG");
    for (int master = 1; master >= 0; master--) {
        view_each_node(v, n, p)
        {
            if (v->node[n].master == (master == 1)) {
                setrepl_node(&t->own, v, &v->node[n]);
            }
        }
    }
    text_own(t);
}

void
text_setcluster(const view_t *v, uint32_t i, text_t *t)
{
    const view_proxy_t *p = &v->proxy[i];
    uint32_t peers = 0;
    size_t end = p->words_at + p->words_len;

    for (uint32_t k = 0; k < v->proxies; k++) {
        peers += k != i ? v->proxy[k].words : 0;
    }

    /* A node of ours takes as many words as it takes at a peer. */
    text_begin(t,
        HEAD_WORDS + p->words + (peers > 0 ? 1 + peers : 0) + v->config_count,
        "SETCLUSTER");
    add_wordz(&t->own, "v2");
    add_number(&t->own, v->epoch);
    add_wordz(&t->own, "NOFLAG");
    add_wordz(&t->own, v->name);
    view_each_node(v, n, p)
    {
        if (v->node[n].master) {
            (void) add_slots(&t->own, v->node[n].address, v->node[n].slots);
        }
    }
    if (peers > 0) {
        add_wordz(&t->own, "PEER");
    }

    text_own(t);
    if (t->pieces > 0 && peers > 0) {
        text_piece(t, v->peer_words.data, p->words_at);
        text_piece(t, v->peer_words.data + end, v->peer_words.len - end);
    }
    if (t->pieces > 0) {
        text_piece(t, v->config_words.data, v->config_words.len);
    }
}

static void
packed_local(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    bool more = false;

    view_each_node(v, n, p)
    {
        const view_node_t *node = &v->node[n];

        if (node->master && cJSON_GetArraySize(node->slots) > 0) {
            um_sbuf_addz(b, more ? "," : "");
            add_json_key(b, node->address);
            add_json(b, node->slots);
            more = true;
        }
    }
}

/* All peers but this one; every part of peer_json ends with a comma. */
static void
packed_peers(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    size_t end = p->json_at + p->json_len;

    if (v->peer_json.len == p->json_len) {
        return; /* nobody else has slots */
    }

    um_sbuf_add(b, v->peer_json.data, p->json_at);
    um_sbuf_add(b, v->peer_json.data + end, v->peer_json.len - end);
    if (!b->failed) {
        b->len--;
    }
}

static void
packed_json(um_sbuf_t *b, const view_t *v, const view_proxy_t *p)
{
    um_sbuf_addz(b, "{\"cluster_name\":");
    add_json_key(b, v->name);
    if (!b->failed) {
        b->len--; /* the colon */
    }
    um_sbuf_addz(b, ",\"local\":{");
    packed_local(b, v, p);
    um_sbuf_addz(b, "},\"peer\":{");
    packed_peers(b, v, p);
    um_sbuf_addz(b, "},\"cluster_config\":");
    um_sbuf_add(b, v->config_json.data, v->config_json.len);
    um_sbuf_addz(b, "}");
}

void
text_setcluster_packed(const view_t *v, uint32_t i, text_t *t)
{
    um_sbuf_t json = { 0 }, gzip = { 0 }, base64 = { 0 };

    packed_json(&json, v, &v->proxy[i]);
    if (!json.failed
        && um_gzip((um_str_t){ json.data, json.len }, &gzip) == UM_OK) {
        um_base64_encode((um_str_t){ gzip.data, gzip.len }, &base64);
    } else {
        base64.failed = true;
    }

    text_begin(t, HEAD_WORDS, "SETCLUSTER");
    add_wordz(&t->own, "v2");
    add_number(&t->own, v->epoch);
    add_wordz(&t->own, "COMPRESS");
    if (base64.failed) {
        t->own.failed = true;
    } else {
        add_word(&t->own, (um_str_t){ base64.data, base64.len });
    }
    text_own(t);
    um_sbuf_deinit(&json);
    um_sbuf_deinit(&gzip);
    um_sbuf_deinit(&base64);
}

void
text_spare_setrepl(
    uint64_t epoch, const char *const *node, uint32_t nodes, text_t *t)
{
    text_begin(t, 4 + 4 * nodes, "SETREPL");
    add_number(&t->own, epoch);
    add_wordz(&t->own, "NOFLAG");
    for (uint32_t i = 0; i < nodes; i++) {
        add_wordz(&t->own, "master");
        add_wordz(&t->own, "");
        add_wordz(&t->own, node[i]);
        add_number(&t->own, 0);
    }
    text_own(t);
}

void
text_spare_setcluster(uint64_t epoch, text_t *t)
{
    uint32_t config = 1 + 2 * (uint32_t) um_countof(config_fields);

    text_begin(t, HEAD_WORDS + config, "SETCLUSTER");
    add_wordz(&t->own, "v2");
    add_number(&t->own, epoch);
    add_wordz(&t->own, "NOFLAG");
    add_wordz(&t->own, "");
    (void) add_config(&t->own, NULL);
    text_own(t);
}

size_t
text_len(const text_t *t)
{
    size_t len = 0;

    for (uint32_t i = 0; i < t->pieces; i++) {
        len += t->piece[i].len;
    }

    return len;
}

void
text_deinit(text_t *t)
{
    um_sbuf_deinit(&t->own);
    t->pieces = 0;
}
