/* SPDX-License-Identifier: Apache-2.0 */

#include "lin_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a log has at most in a line, and a reply in elements. */
#define WORDS  (LIN_ARGS + 4)
#define SORTED 2048

void *
lin_alloc(void *old, size_t size)
{
    void *p = realloc(old, size);

    if (p == NULL) {
        fprintf(stderr, "lin: out of memory\n");
        exit(3);
    }
    return p;
}

uint64_t
lin_hash(const char *data, size_t len, uint64_t seed)
{
    uint64_t h = seed ^ len * UINT64_C(0x9e3779b97f4a7c15);

    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;

        memcpy(&word, data, n);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        data += n;
        len -= n;
    }
    return lin_mix(h);
}

int
lin_str_cmp(lin_str_t a, lin_str_t b)
{
    int rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return rc != 0 ? rc : (a.len > b.len) - (a.len < b.len);
}

static unsigned
split(lin_str_t line, lin_str_t *word, unsigned max)
{
    const char *s = line.data, *end = line.data + line.len;
    unsigned n = 0;

    while (s < end && n < max) {
        const char *e = memchr(s, ' ', (size_t) (end - s));

        e = e == NULL ? end : e;
        word[n++] = (lin_str_t){ s, (uint32_t) (e - s) };
        s = e + 1;
    }
    return s < end ? max + 1 : n;
}

unsigned
lin_key_index(lin_str_t name)
{
    return (unsigned) (name.data[name.len - 1] - 'a');
}

static bool
key_is_sound(lin_str_t name)
{
    return name.len >= 4 && name.data[0] == '{'
           && memchr(name.data, '}', name.len) == name.data + name.len - 2
           && lin_key_index(name) < LIN_KEYS;
}

lin_str_t
lin_op_group(const lin_op_t *op)
{
    lin_str_t name = op->argv[op->cmd->key];

    return (lin_str_t){ name.data + 1, name.len - 3 };
}

/* One name may be two commands for the model. */
static const lin_cmd_t *
find(const lin_str_t *argv, unsigned argc)
{
    for (const lin_cmd_t *c = lin_cmds; c->name != NULL; c++) {
        const char *option = strchr(c->name, ' ');
        size_t len =
            option == NULL ? strlen(c->name) : (size_t) (option - c->name);

        if (argv[0].len != len || memcmp(argv[0].data, c->name, len) != 0
            || argc < c->argc || argc > c->argc_max)
        {
            continue;
        }
        if (option == NULL
            || lin_str_eq(argv[3],
                (lin_str_t){ option + 1, (uint32_t) strlen(option + 1) }))
        {
            return c;
        }
    }
    return NULL;
}

const char *
lin_op_parse(lin_op_t *op, lin_str_t *argv, lin_str_t words)
{
    unsigned n = split(words, argv, LIN_ARGS), last;
    const lin_cmd_t *c;

    if (n == 0 || n > LIN_ARGS) {
        return "too many words";
    }

    c = find(argv, n);
    if (c == NULL) {
        return "unknown command";
    }

    op->cmd = c;
    op->argv = argv;
    op->argc = (uint8_t) n;
    op->keys = 0;
    last = c->key_last == 255 ? n - 1 : c->key_last == 0 ? c->key : c->key_last;
    for (unsigned i = c->key; i <= last; i += c->key_step) {
        if (!key_is_sound(argv[i])) {
            return "what kind of key is that?";
        }
        if (!lin_str_eq(lin_op_group(op),
                (lin_str_t){ argv[i].data + 1, argv[i].len - 3 }))
        {
            return "keys of two groups";
        }
        op->keys |= (uint8_t) (1u << lin_key_index(argv[i]));
    }
    return NULL;
}

/* --- replies in no order -------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
    return lin_str_cmp(*(const lin_str_t *) a, *(const lin_str_t *) b);
}

void
lin_reply_sort(char *data, uint32_t len, bool pairs)
{
    static lin_str_t el[SORTED];
    char *copy;
    unsigned n = 0, at = 1;

    if (len < 4 || data[0] != '[') {
        return;
    }

    copy = lin_alloc(NULL, len);
    memcpy(copy, data, len);
    for (unsigned i = 1, begin = 1, commas = 0; i < len && n < SORTED; i++) {
        if (copy[i] != ',' && i != len - 1) {
            continue;
        }
        if (pairs && copy[i] == ',' && commas++ % 2 == 0) {
            continue;
        }
        el[n++] = (lin_str_t){ copy + begin, i - begin };
        begin = i + 1;
    }

    qsort(el, n, sizeof(el[0]), by_text);
    for (unsigned i = 0; i < n; i++) {
        memcpy(data + at, el[i].data, el[i].len);
        at += el[i].len;
        data[at++] = i == n - 1 ? ']' : ',';
    }
    free(copy);
}

/* --- histories ------------------------------------------------------------ */

void
lin_hist_add(lin_hist_t *h, const lin_op_t *op)
{
    if (h->n == h->cap) {
        h->cap = h->cap == 0 ? 64 : h->cap * 2;
        h->op = lin_alloc(h->op, h->cap * sizeof(*h->op));
    }
    h->op[h->n++] = *op;
    h->timed |= (op->cmd->flags & LIN_TIMED) != 0;
}

static int
by_invocation(const void *pa, const void *pb)
{
    const lin_op_t *a = pa, *b = pb;

    if (a->inv != b->inv) {
        return a->inv < b->inv ? -1 : 1;
    }
    return (a->client > b->client) - (a->client < b->client);
}

void
lin_hist_sort(lin_hist_t *h)
{
    qsort(h->op, h->n, sizeof(*h->op), by_invocation);
}

/* --- logs ----------------------------------------------------------------- */

static bool
number(lin_str_t s, int64_t *to)
{
    *to = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        *to = *to * 10 + (s.data[i] - '0');
    }
    return s.len > 0 && s.len < 19;
}

static const char *
read_line(lin_str_t line, lin_op_t *op, lin_str_t *argv)
{
    lin_str_t word[5];
    lin_str_t rest = line;
    int64_t client;
    const char *wrong;

    for (unsigned i = 0; i < 4; i++) {
        const char *e = memchr(rest.data, ' ', rest.len);

        if (e == NULL) {
            return "too few words in a line";
        }
        word[i] = (lin_str_t){ rest.data, (uint32_t) (e - rest.data) };
        rest.len -= word[i].len + 1;
        rest.data = e + 1;
    }

    if (!number(word[0], &client) || !number(word[1], &op->inv)) {
        return "a line without client and time";
    }
    op->client = (uint32_t) client;
    op->reply = word[3];
    if (lin_str_eq(word[2], lin_lit("-"))) {
        op->ret = LIN_NEVER;
        op->reply.len = 0;
    } else if (!number(word[2], &op->ret) || op->ret < op->inv
               || op->reply.len == 0)
    {
        return "a line without times and reply";
    }

    wrong = lin_op_parse(op, argv, rest);
    if (wrong == NULL && (op->cmd->flags & (LIN_BAG | LIN_PAIRS))) {
        lin_reply_sort((char *) (uintptr_t) op->reply.data, op->reply.len,
            (op->cmd->flags & LIN_PAIRS) != 0);
    }
    return wrong;
}

static int
by_group(const void *pa, const void *pb)
{
    int rc = lin_str_cmp(lin_op_group(pa), lin_op_group(pb));

    return rc != 0 ? rc : by_invocation(pa, pb);
}

/* Deal `op`, which is sorted, out to its groups. */
static void
deal(lin_log_t *log, lin_op_t *op, size_t n)
{
    for (size_t i = 0, begin = 0; i < n; i++) {
        lin_hist_t *h;

        if (i + 1 < n
            && lin_str_eq(lin_op_group(&op[begin]), lin_op_group(&op[i + 1]))) {
            continue;
        }
        log->hist = lin_alloc(log->hist, (log->n + 1) * sizeof(*log->hist));
        h = &log->hist[log->n++];
        *h = (lin_hist_t){ .group = lin_op_group(&op[begin]),
            .op = op + begin,
            .n = (uint32_t) (i + 1 - begin) };
        for (size_t k = begin; k <= i; k++) {
            h->timed |= (op[k].cmd->flags & LIN_TIMED) != 0;
        }
        begin = i + 1;
    }
}

static bool
slurp(lin_log_t *log, const char *path)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    size_t cap = 0, n;

    if (f == NULL) {
        return false;
    }
    do {
        if (log->len + 65536 > cap) {
            cap = cap * 2 + 65536;
            log->text = lin_alloc(log->text, cap);
        }
        n = fread(log->text + log->len, 1, 65536, f);
        log->len += n;
    } while (n > 0);
    if (f != stdin) {
        fclose(f);
    }
    return true;
}

/* Blocks of words that stay where they are. */
typedef struct block_s block_t;
struct block_s {
    block_t *next;
    unsigned used;
    lin_str_t word[65536];
};

static lin_str_t *
words_keep(lin_log_t *log, const lin_str_t *word, unsigned n)
{
    block_t *b = log->memory;

    if (b == NULL || b->used + n > sizeof(b->word) / sizeof(b->word[0])) {
        b = lin_alloc(NULL, sizeof(*b));
        b->next = log->memory;
        b->used = 0;
        log->memory = b;
    }
    memcpy(b->word + b->used, word, n * sizeof(*word));
    b->used += n;
    return b->word + b->used - n;
}

const char *
lin_log_read(lin_log_t *log, const char *path)
{
    lin_str_t argv[WORDS];
    lin_op_t *all = NULL;
    size_t cap = 0;
    char *end;

    memset(log, 0, sizeof(*log));
    if (!slurp(log, path)) {
        return "it cannot be opened";
    }

    for (char *s = log->text; s < log->text + log->len; s = end + 1) {
        lin_op_t op = { 0 };
        const char *wrong;

        end = memchr(s, '\n', (size_t) (log->text + log->len - s));
        if (end == NULL) {
            return "its last line is not whole";
        }
        if (*s == '#') {
            continue;
        }
        wrong = read_line((lin_str_t){ s, (uint32_t) (end - s) }, &op, argv);
        if (wrong != NULL) {
            *end = '\0';
            fprintf(stderr, "lin: %s\n", s);
            return wrong;
        }
        op.argv = words_keep(log, argv, op.argc);
        if (log->ops == cap) {
            cap = cap == 0 ? 1024 : cap * 2;
            all = lin_alloc(all, cap * sizeof(*all));
        }
        all[log->ops++] = op;
        log->open += lin_op_is_open(&op);
    }

    if (log->ops > 0) {
        qsort(all, log->ops, sizeof(*all), by_group);
        deal(log, all, log->ops);
    }
    return NULL;
}

void
lin_log_free(lin_log_t *log)
{
    for (block_t *b = log->memory, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(log->n > 0 ? log->hist[0].op : NULL);
    free(log->hist);
    free(log->text);
    memset(log, 0, sizeof(*log));
}
