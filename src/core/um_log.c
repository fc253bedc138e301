/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/um_clock.h"
#include "core/um_str.h"

#define LOG_LINE       2048
#define LOG_DEV        "/dev/log"
#define LOG_OPEN_FLAGS (O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

typedef enum {
    LOG_TO_STDERR,
    LOG_TO_FILE,
    LOG_TO_SYSLOG,
} log_kind_t;

typedef struct {
    log_kind_t kind;
    int fd;
    bool own;       /* close `fd` when it is replaced           */
    bool is_socket; /* send() can be told not to wait           */
    bool may_block; /* `fd` is shared: ask poll() before writing */
    char path[PATH_MAX];
} log_sink_t;

um_log_level_t um_log_level = UM_LOG_NOTICE;

static log_sink_t log_sink = {
    .kind = LOG_TO_STDERR,
    .fd = STDERR_FILENO,
    .may_block = true,
};

static um_log_write_pt log_lent; /* the host's; NULL: write ourselves */

static char log_process[32] = "undermoond";
static uint64_t log_lost;
static uint64_t log_lost_told; /* of these, reported in the log */

static const struct {
    const char *name;
    int syslog;
} log_levels[] = {
    [UM_LOG_ALERT] = { "alert", LOG_ALERT },
    [UM_LOG_ERROR] = { "error", LOG_ERR },
    [UM_LOG_WARN] = { "warn", LOG_WARNING },
    [UM_LOG_NOTICE] = { "notice", LOG_NOTICE },
    [UM_LOG_INFO] = { "info", LOG_INFO },
    [UM_LOG_DEBUG] = { "debug", LOG_DEBUG },
};

um_rc_t
um_log_level_parse(um_str_t word, um_log_level_t *level)
{
    for (size_t i = 0; i < um_countof(log_levels); i++) {
        if (um_str_eq(word, um_str_of(log_levels[i].name))) {
            *level = (um_log_level_t) i;
            return UM_OK;
        }
    }

    return UM_DECLINED;
}

const char *
um_log_level_name(um_log_level_t level)
{
    return (size_t) level < um_countof(log_levels) ? log_levels[level].name
                                                   : "unknown";
}

void
um_log_name(const char *name)
{
    snprintf(log_process, sizeof(log_process), "%s", name);
}

uint64_t
um_log_dropped(void)
{
    return log_lost;
}

/* ---- sinks -------------------------------------------------------------- */

/*
 * stderr is shared with others, so O_NONBLOCK must not be set on it.  A pipe
 * or terminal is opened a second time for ourselves; where that is refused
 * poll() says whether a line has room.
 */
static um_rc_t
sink_open_stderr(log_sink_t *s)
{
    struct stat st;

    s->kind = LOG_TO_STDERR;
    s->fd = STDERR_FILENO;

    if (fstat(STDERR_FILENO, &st) == -1) {
        um_log_error(errno, "error_log stderr: fstat failed");
        return UM_ERR;
    }

    if (S_ISSOCK(st.st_mode)) {
        s->is_socket = true;
    } else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        int fd = open("/proc/self/fd/2", LOG_OPEN_FLAGS);

        s->own = fd != -1;
        s->fd = s->own ? fd : STDERR_FILENO;
        s->may_block = !s->own;
    }

    return UM_OK;
}

static um_rc_t
sink_open_file(log_sink_t *s)
{
    s->kind = LOG_TO_FILE;
    s->own = true;
    s->fd = open(s->path, LOG_OPEN_FLAGS | O_APPEND | O_CREAT, 0640);

    if (s->fd == -1) {
        um_log_error(errno, "error_log %s: open failed", s->path);
        return UM_ERR;
    }

    return UM_OK;
}

static int
syslog_dial(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd, err;

    if (strlen(path) >= sizeof(un.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    memcpy(un.sun_path, path, strlen(path) + 1);

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (connect(fd, (struct sockaddr *) &un, sizeof(un)) == -1) {
        err = errno;
        close(fd);
        errno = err;
        return -1;
    }

    return fd;
}

static um_rc_t
sink_open_syslog(log_sink_t *s)
{
    s->kind = LOG_TO_SYSLOG;
    s->own = s->is_socket = true;
    s->fd = syslog_dial(s->path);

    if (s->fd == -1) {
        um_log_error(errno, "error_log syslog: connect to %s failed", s->path);
        return UM_ERR;
    }

    return UM_OK;
}

um_rc_t
um_log_open(const char *sink, um_log_level_t level)
{
    log_sink_t s = { .fd = -1 };
    const char *path = sink;
    um_rc_t rc;

    if (strcmp(sink, "syslog") == 0) {
        path = LOG_DEV;
    } else if (strncmp(sink, "syslog:", 7) == 0) {
        path = sink + 7;
    }

    if (strlen(path) >= sizeof(s.path)) {
        um_log_error(0, "error_log: path is too long");
        return UM_ERR;
    }

    memcpy(s.path, path, strlen(path) + 1);

    if (strcmp(sink, "stderr") == 0) {
        rc = sink_open_stderr(&s);
    } else {
        rc = path != sink || strcmp(sink, "syslog") == 0 ? sink_open_syslog(&s)
                                                         : sink_open_file(&s);
    }

    if (rc != UM_OK) {
        return UM_ERR;
    }

    if (log_sink.own) {
        close(log_sink.fd);
    }

    log_sink = s;
    um_log_level = level;

    return UM_OK;
}

um_rc_t
um_log_reopen(void)
{
    char path[PATH_MAX];

    if (log_sink.kind != LOG_TO_FILE) {
        return UM_OK;
    }

    memcpy(path, log_sink.path, sizeof(path));

    return um_log_open(path, um_log_level);
}

/* One try, no waiting.  Part of a line is a line lost, too. */
static bool
sink_put(const char *line, size_t len)
{
    struct pollfd p = { .fd = log_sink.fd, .events = POLLOUT };
    ssize_t n;

    if (log_sink.is_socket) {
        n = send(log_sink.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (log_sink.may_block
               && (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0))
    {
        return false;
    } else {
        n = write(log_sink.fd, line, len);
    }

    return n == (ssize_t) len;
}

/* syslogd may have been restarted: its socket is a new one then. */
static bool
sink_put_syslog(const char *line, size_t len)
{
    int fd;

    if (sink_put(line, len)) {
        return true;
    }

    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        return false;
    }

    fd = syslog_dial(log_sink.path);
    if (fd == -1) {
        return false;
    }

    close(log_sink.fd);
    log_sink.fd = fd;

    return sink_put(line, len);
}

/* ---- lines -------------------------------------------------------------- */

typedef struct {
    char text[LOG_LINE];
    size_t len;
} log_line_t;

/* Append what fits: the last byte is kept for the newline. */
static void
line_add(log_line_t *l, const char *text, size_t len)
{
    size_t room = sizeof(l->text) - 1 - l->len;

    len = um_min(len, room);
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static void
line_add_escaped(log_line_t *l, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];

        if (c >= 0x20 && c <= 0x7e) {
            line_add(l, text + i, 1);
        } else {
            line_add(l, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
        }
    }
}

static void
line_add_head(log_line_t *l, um_log_level_t level)
{
    uint64_t us = um_clock_wall_us();
    time_t now = (time_t) (us / 1000000);
    struct tm tm;
    int n;

    if (log_sink.kind == LOG_TO_SYSLOG) {
        char when[32];

        localtime_r(&now, &tm);
        strftime(when, sizeof(when), "%b %e %T", &tm);
        n = snprintf(l->text, sizeof(l->text), "<%d>%s undermoond[%d]: [%s] ",
            LOG_DAEMON | log_levels[level].syslog, when, (int) getpid(),
            log_levels[level].name);
    } else {
        gmtime_r(&now, &tm);
        n = snprintf(l->text, sizeof(l->text),
            "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ [%s] %d ", tm.tm_year + 1900,
            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
            (unsigned) (us / 1000 % 1000), log_levels[level].name,
            (int) getpid());
    }

    l->len = (size_t) n;
    line_add_escaped(l, log_process, strlen(log_process));
    line_add(l, ": ", 2);
}

static bool
line_put(um_log_level_t level, const char *text, size_t len)
{
    log_line_t l;

    line_add_head(&l, level);
    line_add_escaped(&l, text, len);

    if (log_sink.kind == LOG_TO_SYSLOG) {
        return sink_put_syslog(l.text, l.len);
    }

    l.text[l.len++] = '\n';

    return sink_put(l.text, l.len);
}

static void
log_tell_lost(void)
{
    uint64_t n = log_lost - log_lost_told;
    char text[64];
    int len;

    if (n == 0) {
        return;
    }

    len = snprintf(text, sizeof(text), "log: %llu lines lost, sink was full",
        (unsigned long long) n);

    if (line_put(UM_LOG_WARN, text, (size_t) len)) {
        log_lost_told += n;
    }
}

void
um_log_lend(um_log_level_t level, um_log_write_pt write)
{
    if (write != um_log_write) {
        um_log_level = level;
        log_lent = write;
    }
}

void
um_log_write(um_log_level_t level, int err, const char *fmt, ...)
{
    char text[LOG_LINE];
    char reason[128];
    int errno_kept = errno;
    size_t len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    if (log_lent != NULL) {
        log_lent(level, err, "%s", n < 0 ? "" : text);
        errno = errno_kept;
        return;
    }

    len = n < 0 ? 0 : um_min((size_t) n, sizeof(text) - 1);

    if (err != 0) {
        const char *why = strerror_r(err, reason, sizeof(reason));
        int more = snprintf(text + len, sizeof(text) - len, ": %s", why);

        len = um_min(len + (size_t) more, sizeof(text) - 1);
    }

    log_tell_lost();

    if (!line_put(level, text, len)) {
        log_lost++;
    }

    errno = errno_kept;
}
