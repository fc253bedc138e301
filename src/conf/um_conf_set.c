/*
 * Setters for plain values.  A number with a unit is parsed by one table for
 * all kinds of it, and printed back by the same one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "conf/um_conf_priv.h"
#include "core/um_log.h"
#include "core/um_pool.h"
#include "core/um_str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_MEMORY "cannot be stored: out of memory"

typedef struct {
    const char *name;
    int64_t worth; /* of the smallest of its table */
} set_unit_t;

/* Each list from the largest to the smallest. */
static const set_unit_t set_times[] = {
    { "d", 86400000000000 },
    { "h", 3600000000000 },
    { "m", 60000000000 },
    { "s", 1000000000 },
    { "ms", 1000000 },
    { "us", 1000 },
    { "ns", 1 },
    { NULL, 0 },
};

static const set_unit_t set_sizes[] = {
    { "t", (int64_t) 1 << 40 },
    { "g", 1 << 30 },
    { "m", 1 << 20 },
    { "k", 1 << 10 },
    { NULL, 0 },
};

const char *
um_conf_phrase(um_conf_cx_t *cx, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cx->phrase, sizeof(cx->phrase), fmt, ap);
    va_end(ap);
    return cx->phrase;
}

void
um_conf_notice(um_conf_cx_t *cx, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (cx->trial) {
        return;
    }

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    if (cx->file != NULL && cx->line != 0) {
        um_log_notice(0, "%s:%u: %s", cx->file, cx->line, text);
    } else {
        um_log_notice(0, "%s: %s", cx->file != NULL ? cx->file : "main", text);
    }
}

/* `v` with the largest unit that divides it; `grain` is the value of 1. */
static void
set_print(char *out, size_t size, int64_t v, const set_unit_t *u, int64_t grain)
{
    for (; u != NULL && u->name != NULL && v != 0; u++) {
        if (u->worth < grain) {
            break;
        }
        if (v % (u->worth / grain) == 0) {
            snprintf(
                out, size, "%" PRId64 "%s", v / (u->worth / grain), u->name);
            return;
        }
    }

    snprintf(out, size, "%" PRId64, v);
}

static const set_unit_t *
set_unit_find(const set_unit_t *u, const char *at, size_t len)
{
    for (; u->name != NULL; u++) {
        if (um_str_ieq(um_str_of(u->name), (um_str_t){ at, len })) {
            return u;
        }
    }

    return NULL;
}

/*
 * "1h30m" in units of `grain`.  UM_DECLINED: not of this form; UM_ERR: too
 * large; UM_AGAIN: not a whole number of `grain`.
 */
static um_rc_t
set_parse(const char *text, const set_unit_t *units, int64_t grain,
    int64_t bare, int64_t *out)
{
    const char *digits = "0123456789";
    bool negative = *text == '-';
    int64_t sum = 0, odd = 0;

    text += negative;
    if (*text == '\0') {
        return UM_DECLINED;
    }

    while (*text != '\0') {
        size_t n = strspn(text, digits);
        size_t len = strcspn(text + n, digits);
        const set_unit_t *u = NULL;
        int64_t v;

        if (n > 19) {
            return UM_ERR;
        }

        if (n == 0 || um_str_to_i64((um_str_t){ text, n }, &v) != UM_OK) {
            return n == 0 ? UM_DECLINED : UM_ERR;
        }

        if (len > 0) {
            u = units != NULL ? set_unit_find(units, text + n, len) : NULL;
            if (u == NULL) {
                return UM_DECLINED;
            }
        } else if (sum != 0 || odd != 0) {
            return UM_DECLINED; /* "1h30": thirty of what? */
        }

        if (u == NULL) {
            if (__builtin_mul_overflow(v, bare, &v)) {
                return UM_ERR;
            }
        } else if (u->worth >= grain) {
            if (__builtin_mul_overflow(v, u->worth / grain, &v)) {
                return UM_ERR;
            }
        } else {
            odd |= v % (grain / u->worth);
            v /= grain / u->worth;
        }

        if (__builtin_add_overflow(sum, v, &sum)) {
            return UM_ERR;
        }
        text += n + len;
    }

    *out = negative ? -sum : sum;
    return odd == 0 ? UM_OK : UM_AGAIN;
}

typedef struct {
    const char *what; /* "is not a number" */
    const set_unit_t *units;
    int64_t grain; /* of the field, in the units' smallest */
    int64_t lowest;
    int64_t highest;
    const char *fine; /* for too fine a value */
} set_kind_t;

static const set_kind_t set_u32 = { "is not a number", NULL, 1, 0, UINT32_MAX,
    NULL };
static const set_kind_t set_u64 = { "is not a number", NULL, 1, 0, INT64_MAX,
    NULL };
static const set_kind_t set_i64 = { "is not a number", NULL, 1, -INT64_MAX,
    INT64_MAX, NULL };
static const set_kind_t set_size = { "is not a size", set_sizes, 1, 0,
    INT64_MAX, NULL };
static const set_kind_t set_msec = { "is not a time", set_times, 1000000, 0,
    INT64_MAX, "is not a whole number of milliseconds" };
static const set_kind_t set_usec = { "is not a time", set_times, 1000,
    -INT64_MAX, INT64_MAX, "is not a whole number of microseconds" };
static const set_kind_t set_nsec = { "is not a time", set_times, 1, 0,
    INT64_MAX, NULL };

static const char *
set_scalar(um_conf_cx_t *cx, const um_directive_t *d, const set_kind_t *k,
    int64_t *out)
{
    const um_bounds_t *b = d->post;
    int64_t bare = d->unit != 0 ? (int64_t) d->unit : 1;
    int64_t low = k->lowest, high = k->highest;
    char min[32], max[32];
    int64_t v = 0;

    if (b != NULL) {
        low = um_max(low, b->min);
        high = b->max != 0 ? um_min(high, b->max) : high;
    }

    switch (set_parse(cx->arg[0], k->units, k->grain, bare, &v)) {
    case UM_OK:
        break;
    case UM_AGAIN:
        return k->fine;
    case UM_ERR:
        return "is too large";
    default:
        return k->what;
    }

    if (v < low || v > high) {
        set_print(min, sizeof(min), low, k->units, k->grain);
        set_print(max, sizeof(max), high, k->units, k->grain);
        if (b == NULL || b->max == 0) {
            return um_conf_phrase(cx, "is out of bounds, at least %s", min);
        }
        return um_conf_phrase(cx, "is out of bounds, %s to %s", min, max);
    }

    set_print(cx->canon, sizeof(cx->canon), v, k->units, k->grain);
    *out = v;
    return NULL;
}

bool
um_conf_bounds(const um_directive_t *d, char *out, size_t size)
{
    static const struct {
        um_conf_set_pt set;
        const set_kind_t *kind;
    } kinds[] = {
        { um_set_u32, &set_u32 },
        { um_set_u64, &set_u64 },
        { um_set_i64, &set_i64 },
        { um_set_size, &set_size },
        { um_set_msec, &set_msec },
        { um_set_usec, &set_usec },
        { um_set_nsec, &set_nsec },
    };
    const um_bounds_t *b = d->post;

    for (size_t i = 0; b != NULL && i < um_countof(kinds); i++) {
        const set_kind_t *k = kinds[i].kind;
        char min[32], max[32];

        if (kinds[i].set != d->set) {
            continue;
        }

        set_print(min, sizeof(min), b->min, k->units, k->grain);
        set_print(max, sizeof(max), b->max, k->units, k->grain);
        if (b->max == 0) {
            snprintf(out, size, "At least %s.", min);
        } else {
            snprintf(out, size, "%s to %s.", min, max);
        }
        return true;
    }

    return false;
}

const char *
um_set_u32(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int64_t v = 0;
    const char *wrong = set_scalar(cx, d, &set_u32, &v);

    *um_conf_field(conf, d, uint32_t) = (uint32_t) v;
    return wrong;
}

const char *
um_set_u64(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int64_t v = 0;
    const char *wrong = set_scalar(cx, d, &set_u64, &v);

    *um_conf_field(conf, d, uint64_t) = (uint64_t) v;
    return wrong;
}

const char *
um_set_i64(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    return set_scalar(cx, d, &set_i64, um_conf_field(conf, d, int64_t));
}

const char *
um_set_msec(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int64_t v = 0;
    const char *wrong = set_scalar(cx, d, &set_msec, &v);

    *um_conf_field(conf, d, uint64_t) = (uint64_t) v;
    return wrong;
}

const char *
um_set_usec(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    return set_scalar(cx, d, &set_usec, um_conf_field(conf, d, int64_t));
}

const char *
um_set_nsec(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int64_t v = 0;
    const char *wrong = set_scalar(cx, d, &set_nsec, &v);

    *um_conf_field(conf, d, uint64_t) = (uint64_t) v;
    return wrong;
}

const char *
um_set_size(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    int64_t v = 0;
    const char *wrong = set_scalar(cx, d, &set_size, &v);

    *um_conf_field(conf, d, uint64_t) = (uint64_t) v;
    return wrong;
}

const char *
um_set_flag(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    static const char *const env_on[] = { "true", "1", "yes", "on" };
    static const char *const env_off[] = { "false", "0", "no", "off" };
    bool *field = um_conf_field(conf, d, bool);
    um_str_t word = um_str_of(cx->arg[0]);

    for (size_t i = cx->from_env ? 0 : 3; i < um_countof(env_on); i++) {
        if (um_str_ieq(word, um_str_of(env_on[i]))
            || um_str_ieq(word, um_str_of(env_off[i])))
        {
            *field = um_str_ieq(word, um_str_of(env_on[i]));
            snprintf(cx->canon, sizeof(cx->canon), *field ? "on" : "off");
            return NULL;
        }
    }

    return cx->from_env ? "is neither true nor false" : "is neither on nor off";
}

const char *
um_set_str(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    char **field = um_conf_field(conf, d, char *);

    *field = NULL;
    if (cx->arg[0][0] == '\0') {
        return NULL;
    }

    *field = um_pool_strdup(cx->pool, um_str_of(cx->arg[0]));
    return *field != NULL ? NULL : NO_MEMORY;
}

const char *
um_set_path(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    char **field = um_conf_field(conf, d, char *);
    const char *path = cx->arg[0];
    um_sbuf_t whole = { 0 };

    *field = NULL;
    if (*path == '\0') {
        return NULL;
    }

    if (*path != '/' && cx->prefix[0] != '\0') {
        um_sbuf_addf(&whole, "%s/", cx->prefix);
    }
    um_sbuf_addz(&whole, path);

    if (!whole.failed) {
        *field = um_pool_strdup(cx->pool, um_str_of(um_sbuf_cstr(&whole)));
    }

    um_sbuf_deinit(&whole);
    return *field != NULL ? NULL : NO_MEMORY;
}

const char *
um_set_enum(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    const um_enum_t *e;
    um_sbuf_t names = { 0 };

    for (e = d->post; e->name != NULL; e++) {
        if (um_str_ieq(um_str_of(cx->arg[0]), um_str_of(e->name))) {
            *um_conf_field(conf, d, int32_t) = e->value;
            snprintf(cx->canon, sizeof(cx->canon), "%s", e->name);
            return NULL;
        }
    }

    for (e = d->post; e->name != NULL; e++) {
        um_sbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", e->name);
    }

    um_conf_phrase(cx, "is none of %s", um_sbuf_cstr(&names));
    um_sbuf_deinit(&names);
    return cx->phrase;
}

const char *
um_set_addr(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    um_addr_t *field = um_conf_field(conf, d, um_addr_t);

    memset(field, 0, sizeof(*field));
    if (cx->arg[0][0] == '\0') {
        return NULL;
    }

    return um_addr_parse(field, um_str_of(cx->arg[0]));
}

const char *
um_set_addrs(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    typedef struct {
        um_addr_t *list;
        uint32_t count;
    } addrs_t;
    addrs_t *field = um_conf_field(conf, d, addrs_t);
    um_addr_t *more = um_pool_array(
        cx->pool, (size_t) field->count + cx->argc, sizeof(*more));

    if (more == NULL) {
        return NO_MEMORY;
    }

    if (field->count > 0) {
        memcpy(more, field->list, field->count * sizeof(*more));
    }

    for (uint32_t i = 0; i < cx->argc; i++) {
        const char *wrong =
            um_addr_parse(&more[field->count + i], um_str_of(cx->arg[i]));

        if (wrong != NULL) {
            cx->about = cx->arg[i];
            return wrong;
        }
    }

    field->list = more;
    field->count += cx->argc;
    return NULL;
}

const char *
um_set_cidrs(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    typedef struct {
        um_cidr_t *list;
        uint32_t count;
    } cidrs_t;
    cidrs_t *field = um_conf_field(conf, d, cidrs_t);
    um_cidr_t *more = um_pool_array(
        cx->pool, (size_t) field->count + cx->argc, sizeof(*more));

    if (more == NULL) {
        return NO_MEMORY;
    }

    if (field->count > 0) {
        memcpy(more, field->list, field->count * sizeof(*more));
    }

    for (uint32_t i = 0; i < cx->argc; i++) {
        const char *wrong =
            um_cidr_parse(&more[field->count + i], um_str_of(cx->arg[i]));

        if (wrong != NULL) {
            cx->about = cx->arg[i];
            return wrong;
        }
    }

    field->list = more;
    field->count += cx->argc;
    return NULL;
}

const char *
um_set_login(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    typedef struct {
        char *name;
        char *password;
    } login_t;
    login_t *field = um_conf_field(conf, d, login_t);

    if (strchr(cx->arg[0], ':') != NULL) {
        return "has a colon, which basic authentication cannot say";
    }

    field->name = um_pool_strdup(cx->pool, um_str_of(cx->arg[0]));
    field->password = um_pool_strdup(cx->pool, um_str_of(cx->arg[1]));
    return field->name != NULL && field->password != NULL ? NULL : NO_MEMORY;
}

const char *
um_conf_check_ports(
    um_conf_cx_t *cx, const char *what, const um_addr_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].kind != UM_ADDR_UNIX && list[i].port == 0) {
            return um_conf_phrase(
                cx, "%s: %.64s: port 0 is no port", what, list[i].text);
        }
    }

    return NULL;
}

const char *
um_set_ignored(um_conf_cx_t *cx UM_UNUSED, const um_directive_t *d UM_UNUSED,
    void *conf UM_UNUSED)
{
    return NULL;
}
