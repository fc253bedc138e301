/*
 * lin.h -- is a history of commands to one key group linearizable?
 *
 * A group is the keys of one hash tag, at most LIN_KEYS of them: `{r5.0}a`,
 * `{r5.0}b`, `{r5.0}c`.  No command has keys of two groups, so each is judged
 * alone.  lin_op.c knows the commands and reads a log, lin_model.c is a Redis
 * of three keys, lin_front.c judges in one pass over the time, lin_search.c is
 * the plain search that it is proved against, lin_tell.c says why not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef LIN_H
#define LIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIN_KEYS  3
#define LIN_ARGS  8
#define LIN_NEVER INT64_MAX

typedef struct {
    const char *data;
    uint32_t len;
} lin_str_t;

#define lin_lit(text) ((lin_str_t){ (text), sizeof(text) - 1 })

static inline bool
lin_str_eq(lin_str_t a, lin_str_t b)
{
    return a.len == b.len && __builtin_memcmp(a.data, b.data, a.len) == 0;
}

int lin_str_cmp(lin_str_t a, lin_str_t b);

typedef enum { LIN_NONE, LIN_STRING, LIN_LIST, LIN_HASH, LIN_SET } lin_type_t;

typedef struct lin_work_s lin_work_t;

enum {
    LIN_READ = 1,     /* changes nothing, whatever it says */
    LIN_TIMED = 2,    /* what it leaves depends on the time it is executed */
    LIN_BAG = 4,      /* its reply is in no order */
    LIN_PAIRS = 8,    /* the same, of pairs */
    LIN_SCRIPT = 16,  /* no command of Redis */
    LIN_ANY_TYPE = 32 /* of keys */
};

typedef struct {
    const char *name;
    uint8_t argc, argc_max; /* with the name */
    uint8_t key, key_last;  /* positions; key_last 0: only one, 255: all */
    uint8_t key_step;
    uint8_t flags;
    lin_type_t type;
    void (*run)(lin_work_t *w);
} lin_cmd_t;

/* One operation of a client. */
typedef struct {
    const lin_cmd_t *cmd;
    lin_str_t *argv; /* lent by the history */
    lin_str_t reply; /* as in the log; of length 0: nobody knows */
    int64_t inv;
    int64_t ret; /* LIN_NEVER: it may still be under way */
    uint32_t client;
    uint8_t argc;
    uint8_t keys; /* mask of those it touches */
} lin_op_t;

static inline bool
lin_op_is_open(const lin_op_t *op)
{
    return op->reply.len == 0;
}

/* Operations of one group, by their invocation. */
typedef struct {
    lin_str_t group;
    lin_op_t *op;
    uint32_t n, cap;
    bool timed; /* some depend on the time */
} lin_hist_t;

/* A whole log, by groups in the order of their names. */
typedef struct {
    lin_hist_t *hist;
    uint32_t n;
    size_t ops, open;
    char *text; /* what operations point into */
    size_t len;
    void *memory;
} lin_log_t;

/*
 * Words of a command, separated by blanks, into `op` and `argv`, which has
 * LIN_ARGS places: cmd, argv, argc and keys.  NULL: fine, else what is wrong.
 */
const char *lin_op_parse(lin_op_t *op, lin_str_t *argv, lin_str_t words);

/* The hash tag of its first key. */
lin_str_t lin_op_group(const lin_op_t *op);

/* NULL: fine, else what is wrong with the file, in a static text. */
const char *lin_log_read(lin_log_t *log, const char *path);
void lin_log_free(lin_log_t *log);

/* Made in memory instead: an empty one, and one operation more, of which
 * everything but `argv` is taken over. */
void lin_hist_add(lin_hist_t *h, const lin_op_t *op);
void lin_hist_sort(lin_hist_t *h);

/* --- the model ------------------------------------------------------------ */

/*
 * A state is bytes; equal states are equal bytes.  Of each key: its type, the
 * earliest and the latest time of its expiry, its elements.
 */
#define LIN_STATE_MAX 16384

typedef struct {
    char *data;
    uint32_t len;
} lin_state_t;

/* How far the clocks of Redis and of clients may be apart, ns. */
extern int64_t lin_margin;

lin_work_t *lin_work_new(void);
void lin_work_free(lin_work_t *w);

/* No key is there. */
extern const lin_state_t lin_nothing;

/*
 * Which of its keys may have expired by now, or not yet?  What is asked next
 * must be asked for each subset of these.
 */
uint8_t lin_doubts(const lin_state_t *s, const lin_op_t *op);

/*
 * Execute `op`, with `gone` of its doubtful keys expired.  False: the model is
 * too small for it.  The reply is in `reply` until the next call, `out` is of
 * LIN_STATE_MAX bytes.
 */
bool lin_apply(lin_work_t *w, const lin_state_t *s, const lin_op_t *op,
    uint8_t gone, lin_state_t *out, lin_str_t *reply);

/* Can `op` have got the reply it got?  (PTTL's lies in a range.) */
bool lin_fits(lin_work_t *w, const lin_op_t *op, lin_str_t reply);

/* As somebody reads it: at most `size` bytes, ended by a NUL. */
void lin_state_text(const lin_state_t *s, char *text, size_t size);

/* --- judging -------------------------------------------------------------- */

typedef enum { LIN_YES, LIN_NO, LIN_UNDECIDED } lin_verdict_t;

/* Why not: no order explains `op`, and what was known before it. */
typedef struct {
    const lin_op_t *op;
    char before[8][400]; /* states that were possible */
    uint32_t states;     /* all of them, more than are shown */
} lin_why_t;

/*
 * Lowe's just-in-time linearization, breadth first: all that is possible after
 * each return.  Undecided: more than `limit` possibilities at one time.
 */
lin_verdict_t lin_front(const lin_hist_t *h, size_t limit, lin_why_t *why);

/* Wing and Gong's search with Lowe's memory of `limit` places. */
lin_verdict_t lin_search(const lin_hist_t *h, size_t limit);

/* One, then the other where it gives up. */
lin_verdict_t lin_judge(const lin_hist_t *h, lin_why_t *why);

/* What somebody needs to see who looks for the defect, to stdout. */
void lin_tell(const lin_hist_t *h, const lin_why_t *why);

static inline uint64_t
lin_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t lin_hash(const char *data, size_t len, uint64_t seed);

/* malloc that never fails: a tool has nobody to tell. */
void *lin_alloc(void *old, size_t size);

#endif /* LIN_H */
