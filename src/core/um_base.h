/*
 * um_base.h -- the words every other file speaks: results, slices, sizes.
 *
 * Depends on nothing of ours.  Keep it small: whatever is added here is added
 * to every file of the project.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BASE_H
#define UM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a function that can fail says about it. */
typedef enum {
    UM_OK = 0,
    UM_ERR = -1,      /* failed; it has been logged where it happened     */
    UM_AGAIN = -2,    /* nothing wrong: wait for more bytes, room or time */
    UM_DONE = -3,     /* finished; the object may be gone, do not touch   */
    UM_DECLINED = -4, /* not mine: try the next one                       */
} um_rc_t;

#define UM_MUSTCHECK      __attribute__((warn_unused_result))
#define UM_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define UM_NORETURN       __attribute__((noreturn))
#define UM_UNUSED         __attribute__((unused))

#define um_likely(x)   __builtin_expect(!!(x), 1)
#define um_unlikely(x) __builtin_expect(!!(x), 0)

#define um_countof(a) (sizeof(a) / sizeof((a)[0]))
#define um_min(a, b)  ((a) < (b) ? (a) : (b))
#define um_max(a, b)  ((a) > (b) ? (a) : (b))

#define um_container_of(ptr, type, member)                                     \
    ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

/* Borrowed bytes: never owns, never NUL-terminated. */
typedef struct {
    const char *data;
    size_t len;
} um_str_t;

/*
 * Invariants only, never input.  Stays in release builds: logs an alert and
 * aborts the process; the master starts another.
 */
#define um_assert(cond)                                                        \
    (um_likely(cond) ? (void) 0 : um_assert_failed(#cond, __FILE__, __LINE__))

UM_NORETURN void um_assert_failed(const char *cond, const char *file, int line);

#endif /* UM_BASE_H */
