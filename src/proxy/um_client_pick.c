/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_client_pick.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"

static void
pick_clear(um_client_pick_t *p)
{
    memset(p, 0, offsetof(um_client_pick_t, id));
}

static um_rc_t
pick_wrong(um_sbuf_t *err, const char *text)
{
    um_sbuf_addz(err, text);

    return UM_DECLINED;
}

static um_rc_t
pick_type(um_client_pick_t *p, um_str_t word, um_sbuf_t *err)
{
    static const char *const others[] = { "master", "slave", "replica",
        "pubsub" };

    if (um_str_ieq(word, um_lit("normal"))) {
        p->type = UM_PICK_NORMAL;
        return UM_OK;
    }

    for (size_t i = 0; i < um_countof(others); i++) {
        if (um_str_ieq(word, um_str_of(others[i]))) {
            p->type = UM_PICK_OTHER;
            return UM_OK;
        }
    }

    um_sbuf_addf(err, "ERR Unknown client type '%.*s'", um_str_fmt(word));

    return UM_DECLINED;
}

static int
pick_compare(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));

    return (x > y) - (x < y);
}

um_rc_t
um_client_pick_list(
    um_client_pick_t *p, const um_str_t *argv, uint32_t argc, um_sbuf_t *err)
{
    int64_t id;

    pick_clear(p);

    if (argc == 2) {
        return UM_OK;
    }

    if (argc == 4 && um_str_ieq(argv[2], um_lit("type"))) {
        return pick_type(p, argv[3], err);
    }

    if (argc < 4 || !um_str_ieq(argv[2], um_lit("id"))) {
        return pick_wrong(err, "ERR syntax error");
    }

    if (argc - 3 > UM_CLIENT_PICK_IDS) {
        return pick_wrong(err, "ERR too many client IDs");
    }

    p->by_id = 1;
    for (uint32_t i = 3; i < argc; i++) {
        if (um_str_to_arg(argv[i], &id) != UM_OK) {
            return pick_wrong(err, "ERR Invalid client ID");
        }
        p->id[p->id_count++] = (uint64_t) id;
    }

    qsort(p->id, p->id_count, sizeof(p->id[0]), pick_compare);

    return UM_OK;
}

/* An address longer than any of ours is nobody's, and so is one with a NUL:
 * cut there it could be empty, which is everybody's. */
static void
pick_addr(char out[UM_CLIENT_ADDR_MAX], um_str_t word)
{
    if (word.len > 0 && word.len < UM_CLIENT_ADDR_MAX
        && memchr(word.data, '\0', word.len) == NULL)
    {
        memcpy(out, word.data, word.len);
        out[word.len] = '\0';
    } else {
        memcpy(out, "?", 2);
    }
}

/* One pair of CLIENT KILL's newer form. */
static um_rc_t
pick_option(um_client_pick_t *p, um_str_t name, um_str_t value, bool *skipme,
    um_sbuf_t *err)
{
    int64_t id;

    if (um_str_ieq(name, um_lit("id"))) {
        if (um_str_to_arg(value, &id) != UM_OK || id < 1) {
            return pick_wrong(err, "ERR client-id should be greater than 0");
        }
        p->by_id = p->id_count = 1;
        p->id[0] = (uint64_t) id;
    } else if (um_str_ieq(name, um_lit("type"))) {
        return pick_type(p, value, err);
    } else if (um_str_ieq(name, um_lit("addr"))) {
        pick_addr(p->addr, value);
    } else if (um_str_ieq(name, um_lit("laddr"))) {
        pick_addr(p->laddr, value);
    } else if (um_str_ieq(name, um_lit("user"))) {
        if (!um_str_eq(value, um_lit("default"))) {
            um_sbuf_addf(err, "ERR No such user '%.*s'", um_str_fmt(value));
            return UM_DECLINED;
        }
    } else if (um_str_ieq(name, um_lit("skipme"))) {
        *skipme = um_str_ieq(value, um_lit("yes"));
        if (!*skipme && !um_str_ieq(value, um_lit("no"))) {
            return pick_wrong(err, "ERR syntax error");
        }
    } else {
        return pick_wrong(err, "ERR syntax error");
    }

    return UM_OK;
}

um_rc_t
um_client_pick_kill(um_client_pick_t *p, const um_str_t *argv, uint32_t argc,
    uint64_t self, um_sbuf_t *err)
{
    bool skipme = true;

    pick_clear(p);

    if (argc == 3) { /* the old form: an address, oneself included */
        pick_addr(p->addr, argv[2]);
        return UM_OK;
    }

    for (uint32_t i = 2; i < argc; i += 2) {
        if (i + 1 == argc) {
            return pick_wrong(err, "ERR syntax error");
        }
        if (pick_option(p, argv[i], argv[i + 1], &skipme, err) != UM_OK) {
            return UM_DECLINED;
        }
    }

    if (skipme) {
        p->spare = self;
    }

    return UM_OK;
}

void
um_client_pick_one(um_client_pick_t *p, uint64_t id)
{
    pick_clear(p);
    p->by_id = p->id_count = 1;
    p->id[0] = id;
}

size_t
um_client_pick_size(const um_client_pick_t *p)
{
    return offsetof(um_client_pick_t, id) + p->id_count * sizeof(p->id[0]);
}

um_rc_t
um_client_pick_take(um_client_pick_t *p, um_str_t bytes)
{
    if (bytes.len < offsetof(um_client_pick_t, id) || bytes.len > sizeof(*p)) {
        return UM_ERR;
    }

    memcpy(p, bytes.data, bytes.len);

    if (p->id_count > UM_CLIENT_PICK_IDS || bytes.len != um_client_pick_size(p)
        || memchr(p->addr, '\0', sizeof(p->addr)) == NULL
        || memchr(p->laddr, '\0', sizeof(p->laddr)) == NULL)
    {
        return UM_ERR;
    }

    return UM_OK;
}

bool
um_client_pick_match(const um_client_pick_t *p, const um_client_t *c)
{
    char text[UM_CLIENT_ADDR_MAX];

    if (c->dead || c->st.id == p->spare || p->type == UM_PICK_OTHER) {
        return false;
    }

    if (p->by_id
        && bsearch(
               &c->st.id, p->id, p->id_count, sizeof(p->id[0]), pick_compare)
               == NULL)
    {
        return false;
    }

    if (p->addr[0] != '\0') {
        um_client_addr(c, text);
        if (strcmp(text, p->addr) != 0) {
            return false;
        }
    }

    if (p->laddr[0] != '\0') {
        um_client_laddr(c, text);
        if (strcmp(text, p->laddr) != 0) {
            return false;
        }
    }

    return true;
}
