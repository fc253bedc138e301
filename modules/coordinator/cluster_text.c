/* SPDX-License-Identifier: Apache-2.0 */

#include "cluster_text_priv.h"
#include "core/um_str.h"

/* ---- Texts -------------------------------------------------------------- */

void
text_begin(text_t *t, uint32_t words, const char *what)
{
    um_sbuf_clear(&t->own);
    t->own.failed = false;
    t->pieces = 0;
    um_sbuf_addz(&t->own, "*");
    um_sbuf_add_u64(&t->own, words);
    um_sbuf_addz(&t->own, "\r\n");
    words_addz(&t->own, "UMCTL");
    words_addz(&t->own, what);
}

static void
text_piece(text_t *t, const char *data, size_t len)
{
    t->piece[t->pieces++] = (um_str_t){ data, len };
}

/* Nothing is added to `own` any more. */
void
text_own(text_t *t)
{
    if (!t->own.failed) {
        text_piece(t, t->own.data, t->own.len);
    }
}

static void
setrepl_node(um_sbuf_t *b, const view_t *v, const view_node_t *n)
{
    words_addz(b, n->master ? "master" : "replica");
    words_addz(b, v->name);
    words_addz(b, n->address);
    words_add_u64(b, (uint64_t) cJSON_GetArraySize(n->peers));
    for (const cJSON *p = n->peers->child; p != NULL; p = p->next) {
        words_addz(b, text_member(p, "node_address")->valuestring);
        words_addz(b, text_member(p, "proxy_address")->valuestring);
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
    words_add_u64(&t->own, v->epoch);
    words_addz(&t->own, "NOFLAG");
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
        TEXT_HEAD_WORDS + p->words + (peers > 0 ? 1 + peers : 0)
            + v->config_count,
        "SETCLUSTER");
    words_addz(&t->own, "v2");
    words_add_u64(&t->own, v->epoch);
    words_addz(&t->own, "NOFLAG");
    words_addz(&t->own, v->name);
    view_each_node(v, n, p)
    {
        if (v->node[n].master) {
            (void) words_add_slots(
                &t->own, v->node[n].address, v->node[n].slots);
        }
    }
    if (peers > 0) {
        words_addz(&t->own, "PEER");
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

void
text_spare_setrepl(
    uint64_t epoch, const char *const *node, uint32_t nodes, text_t *t)
{
    text_begin(t, 4 + 4 * nodes, "SETREPL");
    words_add_u64(&t->own, epoch);
    words_addz(&t->own, "NOFLAG");
    for (uint32_t i = 0; i < nodes; i++) {
        words_addz(&t->own, "master");
        words_addz(&t->own, "");
        words_addz(&t->own, node[i]);
        words_add_u64(&t->own, 0);
    }
    text_own(t);
}

void
text_spare_setcluster(uint64_t epoch, text_t *t)
{
    text_begin(t, TEXT_HEAD_WORDS + WORDS_OF_CONFIG, "SETCLUSTER");
    words_addz(&t->own, "v2");
    words_add_u64(&t->own, epoch);
    words_addz(&t->own, "NOFLAG");
    words_addz(&t->own, "");
    (void) words_add_config(&t->own, NULL);
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
