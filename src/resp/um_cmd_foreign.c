/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_cmd_foreign.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "resp/um_cmd_fact.h"

#define FOREIGN_SLOTS  1024 /* twice the most, so that a free one is near */
#define FOREIGN_KEY_AT 1000 /* farthest position of a key somebody may name */

#define FOREIGN_REFUSED                                                        \
    (UM_CMD_ADMIN | UM_CMD_PUBSUB | UM_CMD_BLOCKING | UM_CMD_NO_AUTH)

/* Never freed or changed while the set lives, but for the last three. */
typedef struct {
    um_cmd_t cmd;
    um_key_spec_t spec[UM_CMD_FACT_SPECS];
    char keyword[UM_CMD_FACT_SPECS][UM_CMD_FACT_KEYWORD];
    char name[UM_CMD_FOREIGN_NAME + 1];
    bool configured;
    bool served;
    uint32_t round; /* of the reply that described it last */
    uint32_t nodes; /* that described it in this round     */
} foreign_t;

struct um_cmd_foreign_s {
    foreign_t *entry[UM_CMD_FOREIGN_MAX]; /* owned */
    uint32_t count;
    uint32_t reply; /* replies learnt in all rounds; tells them apart */
    uint64_t dropped;
    uint16_t slot[FOREIGN_SLOTS]; /* served ones by name: entry + 1, 0 free */
};

static const char *const foreign_none[] = { NULL };

um_cmd_foreign_t *
um_cmd_foreign_new(void)
{
    return calloc(1, sizeof(um_cmd_foreign_t));
}

void
um_cmd_foreign_free(um_cmd_foreign_t *f)
{
    if (f == NULL) {
        return;
    }

    for (uint32_t i = 0; i < f->count; i++) {
        free(f->entry[i]);
    }

    free(f);
}

/* FNV-1a of the name in lower case. */
static uint32_t
foreign_hash(um_str_t name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (unsigned char) um_char_lower(name.data[i])) * 16777619u;
    }

    return (h ^ h >> 16) % FOREIGN_SLOTS;
}

/* The table of names anew.  What the configuration names goes first. */
static void
foreign_index(um_cmd_foreign_t *f)
{
    memset(f->slot, 0, sizeof(f->slot));

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < f->count; i++) {
            foreign_t *e = f->entry[i];
            uint32_t at;

            if (!e->served || e->configured != (pass == 0)) {
                continue;
            }

            if (um_cmd_foreign_find(f, um_str_of(e->name)) != NULL) {
                e->served = false; /* the operator knows better */
                continue;
            }

            at = foreign_hash(um_str_of(e->name));
            while (f->slot[at] != 0) {
                at = (at + 1) % FOREIGN_SLOTS;
            }

            f->slot[at] = (uint16_t) (i + 1);
        }
    }
}

/* A name a client could send and an operator would read. */
static bool
foreign_name_ok(um_str_t name)
{
    if (name.len == 0 || name.len > UM_CMD_FOREIGN_NAME) {
        return false;
    }

    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == '|') {
            return false;
        }
    }

    return true;
}

/* NULL, or why the proxy does not serve such a command. */
static const char *
foreign_refusal(const um_cmd_fact_t *fact)
{
    bool found_by_words = false;

    if (!foreign_name_ok(fact->name)) {
        return "is no name of a command";
    }

    if (um_cmd_find_name(fact->name) != NULL) {
        return "is known already";
    }

    if (fact->flags & FOREIGN_REFUSED) {
        return "blocks, publishes, subscribes or administrates";
    }

    if (fact->spec_count == 0) {
        return "has no keys";
    }

    for (uint8_t i = 0; i < fact->spec_count; i++) {
        const um_key_spec_t *s = &fact->spec[i];

        if (s->incomplete) {
            return "has keys that cannot be found";
        }

        found_by_words = found_by_words || s->begin == UM_KEY_BEGIN_KEYWORD
                         || s->find == UM_KEY_FIND_KEYNUM;
    }

    /* Movable keys that the specifications do not explain are found by code
     * of a module. */
    if (fact->too_much
        || ((fact->flags & UM_CMD_MOVABLEKEYS) && !found_by_words)) {
        return "has keys that cannot be found";
    }

    return NULL;
}

/* Redis before 7.0 knows no specifications: make one of first, last, step. */
static void
foreign_legacy_spec(um_cmd_fact_t *fact)
{
    um_key_spec_t *s = &fact->spec[0];
    int64_t last;

    if (fact->has_specs || fact->first == 0) {
        return;
    }

    fact->spec_count = 1;

    /* A negative `last` of a specification counts from the end likewise. */
    last = fact->last < 0 ? fact->last : fact->last - fact->first;
    if (fact->first < 0 || fact->first > FOREIGN_KEY_AT || fact->step < 1
        || fact->step > FOREIGN_KEY_AT || last < -FOREIGN_KEY_AT
        || last > FOREIGN_KEY_AT || (fact->last >= 0 && last < 0))
    {
        fact->too_much = true;
        return;
    }

    *s = (um_key_spec_t){
        .begin = UM_KEY_BEGIN_INDEX,
        .find = UM_KEY_FIND_RANGE,
        .index = (int16_t) fact->first,
        .a = (int16_t) last,
        .b = (int16_t) fact->step,
        .flags = UM_KEY_RO | UM_KEY_ACCESS,
        .read = true,
    };

    if (!(fact->flags & UM_CMD_READONLY)) {
        s->flags = UM_KEY_RW | UM_KEY_ACCESS | UM_KEY_UPDATE;
        s->write = s->may_delete = true;
    }
}

static bool
foreign_same(const foreign_t *e, const um_cmd_fact_t *fact)
{
    const um_cmd_t *c = &e->cmd;

    if (c->spec_count != fact->spec_count
        || !um_str_ieq(um_str_of(e->name), fact->name))
    {
        return false;
    }

    for (uint8_t i = 0; i < c->spec_count; i++) {
        const um_key_spec_t *a = &c->specs[i], *b = &fact->spec[i];

        if (a->begin != b->begin || a->find != b->find || a->index != b->index
            || a->a != b->a || a->b != b->b || a->c != b->c
            || a->write != b->write || a->not_key != b->not_key
            || strcmp(e->keyword[i], fact->keyword[i]) != 0)
        {
            return false;
        }
    }

    return true;
}

static uint8_t
foreign_finder(const um_cmd_fact_t *fact)
{
    const um_key_spec_t *s = &fact->spec[0];

    return fact->spec_count == 1 && s->begin == UM_KEY_BEGIN_INDEX
                   && s->find == UM_KEY_FIND_RANGE && s->c == 0
               ? UM_FINDER_RANGE
               : UM_FINDER_SPECS;
}

static foreign_t *
foreign_make(const um_cmd_fact_t *fact)
{
    foreign_t *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        return NULL;
    }

    for (size_t i = 0; i < fact->name.len; i++) {
        e->name[i] = um_char_lower(fact->name.data[i]);
    }

    memcpy(e->spec, fact->spec, sizeof(e->spec));
    memcpy(e->keyword, fact->keyword, sizeof(e->keyword));

    e->cmd = (um_cmd_t){
        .name = e->name,
        .arity = (int16_t) um_max(INT16_MIN, um_min(fact->arity, INT16_MAX)),
        .how = UM_HOW_FORWARD,
        .finder = foreign_finder(fact),
        .spec_count = fact->spec_count,
        .first = (int16_t) fact->first,
        .last = (int16_t) fact->last,
        .step = (int16_t) fact->step,
        .index = (uint16_t) um_cmd_indices(),
        .flags = fact->flags | UM_CMD_FOREIGN,
        .specs = e->spec,
        .acl_categories = foreign_none,
        .tips = foreign_none,
        .summary = "",
    };

    for (uint8_t i = 0; i < fact->spec_count; i++) {
        e->spec[i].keyword = e->keyword[i][0] != '\0' ? e->keyword[i] : NULL;
        if (e->spec[i].may_delete) {
            e->cmd.flags |= UM_CMD_MAY_DELETE;
        }
    }

    return e;
}

/* The entry of just this command, a new one if need be; NULL: no memory. */
static um_rc_t
foreign_entry(um_cmd_foreign_t *f, const um_cmd_fact_t *fact, foreign_t **entry)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (foreign_same(f->entry[i], fact)) {
            *entry = f->entry[i];
            return UM_OK;
        }
    }

    if (f->count == UM_CMD_FOREIGN_MAX) {
        f->dropped++;
        return UM_DECLINED;
    }

    *entry = foreign_make(fact);
    if (*entry == NULL) {
        return UM_ERR;
    }

    f->entry[f->count++] = *entry;
    return UM_OK;
}

um_rc_t
um_cmd_foreign_add(um_cmd_foreign_t *f, um_str_t name, int64_t first,
    int64_t last, int64_t step, bool write, const char **why)
{
    um_cmd_fact_t fact = {
        .name = name,
        .first = first,
        .last = last,
        .step = step,
        .flags = write ? UM_CMD_WRITE : UM_CMD_READONLY,
    };
    foreign_t *entry;
    um_rc_t rc;

    foreign_legacy_spec(&fact);
    *why = foreign_refusal(&fact);
    if (*why != NULL) {
        return UM_DECLINED;
    }

    /* So many words that the first key is there. */
    fact.arity = -(first + 1);

    rc = foreign_entry(f, &fact, &entry);
    if (rc == UM_DECLINED) {
        *why = "is one too many";
    }

    if (rc == UM_OK) {
        entry->configured = entry->served = true;
        foreign_index(f);
    }

    return rc;
}

void
um_cmd_foreign_begin(um_cmd_foreign_t *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        f->entry[i]->nodes = 0;
    }
}

um_rc_t
um_cmd_foreign_learn(um_cmd_foreign_t *f, um_str_t reply)
{
    um_cmd_reader_t r = { reply.data, reply.data + reply.len };
    um_cmd_fact_t fact;
    foreign_t *entry;
    uint64_t count;

    if (reply.len == 0 || um_cmd_fact_count(&r, &count) != UM_OK) {
        return UM_DECLINED;
    }

    f->reply++;

    for (; count > 0; count--) {
        um_rc_t rc = um_cmd_fact_read(&r, &fact);

        if (rc != UM_OK) {
            return rc;
        }

        foreign_legacy_spec(&fact);
        if (foreign_refusal(&fact) != NULL) {
            continue;
        }

        rc = foreign_entry(f, &fact, &entry);
        if (rc == UM_ERR) {
            return rc;
        }

        /* Twice in one reply is one node still. */
        if (rc == UM_OK && entry->round != f->reply) {
            entry->round = f->reply;
            entry->nodes++;
        }
    }

    return UM_OK;
}

void
um_cmd_foreign_end(um_cmd_foreign_t *f, uint32_t nodes)
{
    for (uint32_t i = 0; i < f->count; i++) {
        foreign_t *e = f->entry[i];

        e->served = e->configured || (nodes > 0 && e->nodes >= nodes);
    }

    foreign_index(f);
}

const um_cmd_t *
um_cmd_foreign_find(const um_cmd_foreign_t *f, um_str_t name)
{
    if (f == NULL || name.len == 0 || name.len > UM_CMD_FOREIGN_NAME) {
        return NULL;
    }

    for (uint32_t at = foreign_hash(name); f->slot[at] != 0;
         at = (at + 1) % FOREIGN_SLOTS)
    {
        const foreign_t *e = f->entry[f->slot[at] - 1];

        if (um_str_ieq(um_str_of(e->name), name)) {
            return &e->cmd;
        }
    }

    return NULL;
}

const um_cmd_t *
um_cmd_foreign_at(const um_cmd_foreign_t *f, size_t i)
{
    for (uint32_t at = 0; f != NULL && at < f->count; at++) {
        const foreign_t *e = f->entry[at];

        if (e->served && i-- == 0) {
            return &e->cmd;
        }
    }

    return NULL;
}

uint64_t
um_cmd_foreign_dropped(const um_cmd_foreign_t *f)
{
    return f->dropped;
}
