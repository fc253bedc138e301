/*
 * um_log.h -- one log line per story, never per request.
 *
 *   2026-11-23T01:02:03.456Z [notice] 1234 worker0: text: Connection refused
 *
 * Levels: `alert` is a bug of ours and fails any test; `error` this operation
 * failed; `warn` works, but look; `notice` life events; `info` connections;
 * `debug` development.  No secrets in any of them.
 *
 * Writes never block: a sink that would block (a full pipe) loses the line,
 * the loss is counted and reported by the next line that gets through.  Safe
 * in every process; not from signal handlers.  Bytes below 0x20 and above
 * 0x7e in a line are escaped as \xNN, a line is cut at 2048 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LOG_H
#define UM_LOG_H

#include "core/um_base.h"

typedef enum {
    UM_LOG_ALERT = 0,
    UM_LOG_ERROR,
    UM_LOG_WARN,
    UM_LOG_NOTICE,
    UM_LOG_INFO,
    UM_LOG_DEBUG,
} um_log_level_t;

extern um_log_level_t um_log_level; /* read only; set by um_log_open() */

/*
 * Replace the sink.  `sink` is "stderr", "syslog" (facility daemon, with ident
 * "undermoond"), "syslog:PATH" (the same at another socket than /dev/log), or
 * a file's path, opened for appending with mode 0640.  UM_ERR: the old sink
 * stays, reason logged there.  Before the first call lines go to stderr at
 * notice.
 */
UM_MUSTCHECK um_rc_t um_log_open(const char *sink, um_log_level_t level);

/* Open the file again by its name, after a rotation; others do nothing. */
UM_MUSTCHECK um_rc_t um_log_reopen(void);

/* The name of this process in each line ("master", "worker0"); copied. */
void um_log_name(const char *name);

/* "alert".."debug" to its level.  UM_DECLINED: no such word. */
UM_MUSTCHECK um_rc_t um_log_level_parse(um_str_t word, um_log_level_t *level);
const char *um_log_level_name(um_log_level_t level);

/* Lines lost since the start because a sink was full. */
uint64_t um_log_dropped(void);

/*
 * In a module, which has a copy of all this to itself: write through the
 * host's log, from `level` on.  In the host itself nothing changes.
 */
typedef void (*um_log_write_pt)(
    um_log_level_t level, int err, const char *fmt, ...) UM_PRINTF(3, 4);
void um_log_lend(um_log_level_t level, um_log_write_pt write);

/* Use the macros below.  `err` is an errno value to explain, or 0. */
void um_log_write(um_log_level_t level, int err, const char *fmt, ...)
    UM_PRINTF(3, 4);

#define um_log_at(level, err, ...)                                             \
    (um_unlikely((level) <= um_log_level)                                      \
            ? um_log_write((level), (err), __VA_ARGS__)                        \
            : (void) 0)

#define um_log_alert(err, ...)  um_log_at(UM_LOG_ALERT, (err), __VA_ARGS__)
#define um_log_error(err, ...)  um_log_at(UM_LOG_ERROR, (err), __VA_ARGS__)
#define um_log_warn(err, ...)   um_log_at(UM_LOG_WARN, (err), __VA_ARGS__)
#define um_log_notice(err, ...) um_log_at(UM_LOG_NOTICE, (err), __VA_ARGS__)
#define um_log_info(err, ...)   um_log_at(UM_LOG_INFO, (err), __VA_ARGS__)
#define um_log_debug(err, ...)  um_log_at(UM_LOG_DEBUG, (err), __VA_ARGS__)

#endif /* UM_LOG_H */
