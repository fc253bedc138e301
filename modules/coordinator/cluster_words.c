/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "cluster_text_priv.h"
#include "core/um_str.h"

/* ---- Words -------------------------------------------------------------- */

void
words_add(um_sbuf_t *b, um_str_t word)
{
    um_sbuf_addz(b, "$");
    um_sbuf_add_u64(b, word.len);
    um_sbuf_addz(b, "\r\n");
    um_sbuf_add_str(b, word);
    um_sbuf_addz(b, "\r\n");
}

void
words_addz(um_sbuf_t *b, const char *word)
{
    words_add(b, um_str_of(word));
}

void
words_add_u64(um_sbuf_t *b, uint64_t n)
{
    char digits[20];

    words_add(b, (um_str_t){ digits, um_u64_format(n, digits) });
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
    words_add(b, (um_str_t){ text, n });
}

/* How many words that were; nothing for no slots. */
uint32_t
words_add_slots(um_sbuf_t *b, const char *address, const cJSON *slots)
{
    uint32_t words = 0;

    for (const cJSON *s = slots->child; s != NULL; s = s->next) {
        const cJSON *list = text_member(s, "range_list");
        const cJSON *tag = text_member(s, "tag");
        uint32_t ranges = (uint32_t) cJSON_GetArraySize(list);
        const cJSON *m = cJSON_IsObject(tag) ? tag->child : NULL;

        if (ranges == 0) {
            continue;
        }

        words_addz(b, address);
        if (m != NULL) {
            bool out = strcmp(m->string, "Migrating") == 0;

            words_addz(b, out ? "MIGRATING" : "IMPORTING");
        }
        words_add_u64(b, ranges);
        for (const cJSON *r = list->child; r != NULL; r = r->next) {
            add_range(b, r);
        }
        words += 2 + ranges;

        if (m != NULL) {
            words_add_u64(b, number_of(text_member(m, "epoch")));
            words_addz(b, text_member(m, "src_proxy_address")->valuestring);
            words_addz(b, text_member(m, "src_node_address")->valuestring);
            words_addz(b, text_member(m, "dst_proxy_address")->valuestring);
            words_addz(b, text_member(m, "dst_node_address")->valuestring);
            words += 6;
        }
    }

    return words;
}

/* ---- What a cluster's texts have in common ------------------------------ */

/* What a double holds exactly; a broker that says more gets the default. */
#define CONFIG_MAX 9007199254740992.0

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

_Static_assert(WORDS_OF_CONFIG == 1 + 2 * um_countof(config_fields),
    "CONFIG, and two words for each");

uint32_t
words_add_config(um_sbuf_t *b, const cJSON *config)
{
    words_addz(b, "CONFIG");
    for (size_t i = 0; i < um_countof(config_fields); i++) {
        const char *group = config_fields[i].group;
        const cJSON *v =
            text_member(group != NULL ? text_member(config, group) : config,
                config_fields[i].member);

        words_addz(b, config_fields[i].word);
        if (cJSON_IsString(v)) {
            words_addz(b, v->valuestring);
        } else if (cJSON_IsNumber(v) && v->valuedouble >= 0
                   && v->valuedouble <= CONFIG_MAX)
        {
            words_add_u64(b, number_of(v));
        } else {
            words_addz(b, config_fields[i].dflt);
        }
    }

    return WORDS_OF_CONFIG;
}

void
json_add(um_sbuf_t *b, const cJSON *v)
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
void
json_add_key(um_sbuf_t *b, const char *key)
{
    cJSON name = { .type = cJSON_String,
        .valuestring = (char *) (uintptr_t) key };

    json_add(b, &name);
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
            json_add(b, s);
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
            p->words +=
                words_add_slots(&v->peer_words, p->address, v->node[n].slots);
        }
    }
    p->words_len = v->peer_words.len - p->words_at;

    p->json_at = at;
    if (p->words > 0) {
        json_add_key(json, p->address);
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

    v->config_count = words_add_config(&v->config_words, config);
    if (cJSON_IsObject(config)) {
        json_add(&v->config_json, config);
    } else {
        um_sbuf_addz(&v->config_json, "{}");
    }

    return v->peer_words.failed || v->config_words.failed || v->peer_json.failed
                   || v->config_json.failed
               ? UM_ERR
               : UM_OK;
}
