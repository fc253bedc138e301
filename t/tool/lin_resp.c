/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_load.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    const char *keys;
} scripts[] = {
    { "CAS",
        "if redis.call('GET',KEYS[1])==ARGV[1] then "
        "redis.call('SET',KEYS[1],ARGV[2]) return 1 end return 0",
        "1" },
    { "SWAP",
        "local a,b=redis.call('GET',KEYS[1]),redis.call('GET',KEYS[2]) "
        "local function put(k,v) if v then redis.call('SET',k,v) "
        "else redis.call('DEL',k) end end "
        "put(KEYS[1],b) put(KEYS[2],a) return {a,b}",
        "2" },
};

char *
load_buf_room(load_buf_t *b, size_t n)
{
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        b->data = lin_alloc(b->data, b->cap);
    }
    return b->data + b->len;
}

static void
add(load_buf_t *b, const char *data, size_t n)
{
    memcpy(load_buf_room(b, n), data, n);
    b->len += n;
}

static void
add_word(load_buf_t *b, const char *data, size_t n)
{
    char head[32];

    add(b, head, (size_t) snprintf(head, sizeof(head), "$%zu\r\n", n));
    add(b, data, n);
    add(b, "\r\n", 2);
}

void
load_put_command(load_buf_t *b, const lin_op_t *op)
{
    char head[32];
    bool script = (op->cmd->flags & LIN_SCRIPT) != 0;
    unsigned words = op->argc + (script ? 2u : 0u);

    add(b, head, (size_t) snprintf(head, sizeof(head), "*%u\r\n", words));
    if (script) {
        unsigned i = strcmp(op->cmd->name, scripts[0].name) != 0;

        add_word(b, "EVAL", 4);
        add_word(b, scripts[i].text, strlen(scripts[i].text));
        add_word(b, scripts[i].keys, strlen(scripts[i].keys));
    }
    for (unsigned i = script; i < op->argc; i++) {
        add_word(b, op->argv[i].data, op->argv[i].len);
    }
}

/* Blanks are what separates words of a log. */
static void
add_text(load_buf_t *b, const char *data, size_t n)
{
    char *to = load_buf_room(b, n);

    for (size_t i = 0; i < n; i++) {
        to[i] = data[i];
        if (data[i] == ' ' || data[i] == '\n' || data[i] == '\r') {
            to[i] = '~';
        }
    }
    b->len += n;
}

long
load_get_reply(const char *data, size_t len, load_buf_t *text)
{
    const char *end = memchr(data, '\n', len);
    long used, n;

    if (end == NULL) {
        return 0;
    }
    if (end - data < 2 || end[-1] != '\r') {
        return -1;
    }

    used = end + 1 - data;
    n = strtol(data + 1, NULL, 10);
    switch (data[0]) {
    case '+':
    case '-':
    case ':':
        add_text(text, data, (size_t) used - 2);
        return used;
    case '$':
        if (n < 0) {
            add(text, "_", 1);
            return used;
        }
        if ((size_t) (used + n + 2) > len) {
            return 0;
        }
        add(text, "$", 1);
        add_text(text, data + used, (size_t) n);
        return used + n + 2;
    case '*':
        if (n < 0) {
            add(text, "_", 1);
            return used;
        }
        add(text, "[", 1);
        for (long i = 0; i < n; i++) {
            long more = load_get_reply(data + used, len - (size_t) used, text);

            if (more <= 0) {
                return more;
            }
            used += more;
            if (i < n - 1) {
                add(text, ",", 1);
            }
        }
        add(text, "]", 1);
        return used;
    default:
        return -1;
    }
}

/* CRC16 of XMODEM, as Redis has it. */
unsigned
load_slot_of(lin_str_t tag)
{
    unsigned crc = 0;

    for (uint32_t i = 0; i < tag.len; i++) {
        crc ^= (unsigned) (unsigned char) tag.data[i] << 8;
        for (unsigned k = 0; k < 8; k++) {
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
        }
    }
    return crc % LOAD_SLOTS;
}
