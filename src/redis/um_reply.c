/* SPDX-License-Identifier: Apache-2.0 */

#include "redis/um_reply.h"

#include <string.h>

#include "core/um_str.h"

um_str_t
um_reply_text(const redisReply *r)
{
    if (r == NULL
        || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS
            && r->type != REDIS_REPLY_ERROR))
    {
        return (um_str_t){ "", 0 };
    }

    return (um_str_t){ r->str, (size_t) r->len };
}

bool
um_reply_is_error(const redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_ERROR;
}

bool
um_reply_is_error_of(const redisReply *r, const char *word)
{
    size_t len = strlen(word);
    um_str_t text = um_reply_text(r);

    return um_reply_is_error(r) && text.len >= len
           && memcmp(text.data, word, len) == 0
           && (text.len == len || text.data[len] == ' ');
}

bool
um_reply_is_ok(const redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_STATUS
           && um_str_eq(um_reply_text(r), um_lit("OK"));
}

const redisReply *
um_reply_at(const redisReply *r, size_t i)
{
    return r != NULL && r->type == REDIS_REPLY_ARRAY && i < r->elements
               ? r->element[i]
               : NULL;
}

um_rc_t
um_reply_u64(const redisReply *r, uint64_t *out)
{
    if (r != NULL && r->type == REDIS_REPLY_INTEGER) {
        *out = (uint64_t) r->integer;
        return r->integer >= 0 ? UM_OK : UM_DECLINED;
    }

    return um_str_to_u64(um_reply_text(r), out);
}

um_rc_t
um_reply_info(um_str_t info, const char *name, um_str_t *value)
{
    size_t len = strlen(name);
    const char *end = info.data + info.len;

    for (const char *p = info.data; p < end;) {
        const char *lf = memchr(p, '\n', (size_t) (end - p));
        size_t line = (size_t) ((lf == NULL ? end : lf) - p);

        if (line > len && memcmp(p, name, len) == 0 && p[len] == ':') {
            *value = (um_str_t){ p + len + 1, line - len - 1 };
            if (value->len > 0 && value->data[value->len - 1] == '\r') {
                value->len--;
            }
            return UM_OK;
        }

        p += line + (lf != NULL);
    }

    return UM_DECLINED;
}

um_rc_t
um_reply_info_u64(um_str_t info, const char *name, uint64_t *value)
{
    um_str_t text;

    if (um_reply_info(info, name, &text) != UM_OK
        || um_str_to_u64(text, value) != UM_OK)
    {
        return UM_DECLINED;
    }

    return UM_OK;
}
