/* SPDX-License-Identifier: Apache-2.0 */

#include "config.h"

#include "ctl/um_ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "ctl/um_ctl_doc.h"
#include "ctl/um_ctl_table.h"
#include "net/um_resolve.h"

#define CTL_NAME_THREADS 4

/* Of answers, names and connections to brokers. */
static const um_httpc_limits_t ctl_limits = {
    .connections = 4,
    .queue = 4096,
    .idle_timeout = 10000,
    .header_max = 64 * 1024,
    .body_max = 256 * 1024 * 1024,
};

/* ---- Signals ------------------------------------------------------------ */

static void
stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void
on_signal(void *data)
{
    um_ctl_t *c = data;
    struct signalfd_siginfo info;

    if (read(c->signals.fd, &info, sizeof(info)) == (ssize_t) sizeof(info)) {
        c->interrupted = true;
    }
}

/* Before the first thread: they are not to take them. */
static um_rc_t
signals_open(um_ctl_t *c)
{
    sigset_t set;
    int fd;

    stop_signals(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1
        || sigaction(
               SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL)
               == -1)
    {
        return UM_ERR;
    }

    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1) {
        return UM_ERR;
    }
    if (um_io_open(&c->signals, c->loop, fd, on_signal, NULL, c) != UM_OK) {
        close(fd);
        return UM_ERR;
    }
    return um_io_want_read(&c->signals, true);
}

bool
um_ctl_until(um_ctl_t *c, const bool *done)
{
    while (!*done && !c->interrupted) {
        if (um_loop_turn(c->loop) != UM_OK) {
            c->interrupted = true; /* logged; nothing can be waited for */
        }
    }

    return !c->interrupted;
}

static void
on_pause(void *data)
{
    *(bool *) data = true;
}

bool
um_ctl_pause(um_ctl_t *c, uint64_t ms)
{
    bool done = false;
    um_timer_t *t = um_timer_new(c->loop, on_pause, &done);
    bool went_on;

    if (t == NULL) {
        return false;
    }

    um_timer_start(t, ms);
    went_on = um_ctl_until(c, &done);
    um_timer_free(t);
    return went_on;
}

/* ---- Words -------------------------------------------------------------- */

void
um_ctl_line(um_ctl_t *c, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    um_ctl_clean(&c->out, um_ctl_cstr(&text));
    um_sbuf_add(&c->out, "\n", 1);
    um_sbuf_deinit(&text);
}

/* The lines of progress make room for others. */
static void
progress_end(um_ctl_t *c)
{
    if (c->progress) {
        fputs("\r\033[J", stderr);
        c->progress = false;
    }
}

static void
note(um_ctl_t *c, const char *before, const char *text)
{
    um_sbuf_t clean = { 0 };

    progress_end(c);
    um_ctl_clean(&clean, text);
    fprintf(stderr, "%s%s\n", before, um_ctl_cstr(&clean));
    um_sbuf_deinit(&clean);
}

void
um_ctl_note(um_ctl_t *c, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    note(c, "undermoonctl: ", um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
}

/* What fits into a line of the terminal, so that it stays one. */
static size_t
terminal_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20
               ? size.ws_col - 1u
               : 79;
}

/* The first `most` bytes, but no half of a character. */
static size_t
fitting(const char *text, size_t len, size_t most)
{
    if (len <= most) {
        return len;
    }
    while (most > 0 && ((unsigned char) text[most] & 0xc0) == 0x80) {
        most--;
    }
    return most;
}

void
um_ctl_progress(um_ctl_t *c, const char *lines)
{
    size_t most = c->terminal ? terminal_width() : SIZE_MAX;
    size_t n = 0;

    progress_end(c);
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        size_t shown = fitting(lines, len, most);
        um_sbuf_t line = { 0 }, clean = { 0 };

        um_sbuf_add(&line, lines, shown);
        um_ctl_clean(&clean, um_ctl_cstr(&line));
        fprintf(stderr, "%s\n", um_ctl_cstr(&clean));
        um_sbuf_deinit(&line);
        um_sbuf_deinit(&clean);
        lines += len + (lines[len] == '\n');
        n++;
    }
    if (c->terminal && n > 0) {
        fprintf(stderr, "\033[%zuA", n); /* the next are written over them */
        c->progress = true;
    }
}

int
um_ctl_json(um_ctl_t *c, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    um_sbuf_addz(&c->out, text);
    um_sbuf_add(&c->out, "\n", 1);
    cJSON_free(text);
    cJSON_Delete(json);
    return UM_CTL_DONE;
}

int
um_ctl_fail(um_ctl_t *c, int status, const char *code, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    note(c, "undermoonctl: ", um_ctl_cstr(&text));
    if (c->opts.json) {
        cJSON *json = cJSON_CreateObject();
        cJSON *error = cJSON_AddObjectToObject(json, "error");

        um_sbuf_clear(&c->out);
        um_ctl_json_add(error, "code", code);
        um_ctl_json_add(error, "message", um_ctl_cstr(&text));
        um_ctl_json_add_u64(error, "status", (uint64_t) status);
        (void) um_ctl_json(c, json);
    }
    um_sbuf_deinit(&text);
    return status;
}

int
um_ctl_interrupted(um_ctl_t *c)
{
    return um_ctl_fail(c, UM_CTL_INTERRUPTED, "INTERRUPTED",
        "interrupted: what the broker has been asked for goes on");
}

/* ---- Questions ---------------------------------------------------------- */

/* A line of the terminal, without its end; false: interrupted. */
static bool
read_line(um_ctl_t *c, char *line, size_t size)
{
    struct pollfd fds[2] = {
        { .fd = STDIN_FILENO, .events = POLLIN },
        { .fd = c->signals.fd, .events = POLLIN },
    };
    ssize_t n;

    if (poll(fds, 2, -1) == -1 || fds[1].revents != 0) {
        on_signal(c);
        c->interrupted = true;
        fputs("\n", stderr);
        return false;
    }

    n = read(STDIN_FILENO, line, size - 1);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

int
um_ctl_confirm(um_ctl_t *c, const char *answer, const char *fmt, ...)
{
    um_sbuf_t text = { 0 };
    char line[256];
    va_list ap;

    if (c->opts.yes) {
        return UM_CTL_DONE;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        return um_ctl_fail(c, UM_CTL_USAGE, "NEEDS_YES",
            "%s cannot be undone: give --yes where nobody can be asked",
            c->opts.cmd->words);
    }

    va_start(ap, fmt);
    um_sbuf_addv(&text, fmt, ap);
    va_end(ap);
    note(c, "", um_ctl_cstr(&text));
    um_sbuf_deinit(&text);
    fprintf(stderr, "Type \"%s\" to go on: ", answer);
    fflush(stderr);
    if (!read_line(c, line, sizeof(line))) {
        return um_ctl_fail(c, UM_CTL_INTERRUPTED, "INTERRUPTED",
            "interrupted: nothing was done");
    }
    if (strcmp(line, answer) != 0) {
        return um_ctl_fail(
            c, UM_CTL_REFUSED, "NOT_CONFIRMED", "nothing was done");
    }
    return UM_CTL_DONE;
}

/* ---- Its life ----------------------------------------------------------- */

/* NULL, or what is wrong with the list. */
static const char *
brokers_parse(um_ctl_t *c, const char *list)
{
    while (true) {
        um_str_t text = { list, strcspn(list, ",") };
        um_addr_t *a;
        const char *why;

        if (c->brokers == UM_CTL_BROKERS) {
            return "names too many";
        }
        a = &c->broker[c->brokers].addr;
        why = um_addr_parse(a, text);
        if (why != NULL) {
            return why;
        }
        if (a->kind == UM_ADDR_UNIX) {
            return "is no HOST:PORT";
        }
        c->brokers++;
        if (text.data[text.len] == '\0') {
            return NULL;
        }
        list += text.len + 1;
    }
}

/* UM_CTL_DONE, or how it ends. */
static int
ctl_open(um_ctl_t *c)
{
    const char *why = brokers_parse(c, c->opts.broker);

    if (why != NULL) {
        return um_ctl_fail(
            c, UM_CTL_USAGE, "USAGE", "broker \"%s\" %s", c->opts.broker, why);
    }

    c->loop = um_loop_new();
    if (c->loop == NULL || signals_open(c) != UM_OK) {
        return um_ctl_fail(c, UM_CTL_REFUSED, "NO_RESOURCES",
            "cannot begin: %s", strerror(errno));
    }

    c->jobs = um_jobs_new(c->loop, CTL_NAME_THREADS);
    for (uint32_t i = 0; c->jobs != NULL && i < c->brokers; i++) {
        um_ctl_broker_t *b = &c->broker[i];

        b->http = um_httpc_new(c->loop, c->jobs, &b->addr, &ctl_limits);
        if (b->http == NULL) {
            break;
        }
    }
    if (c->jobs == NULL || c->broker[c->brokers - 1].http == NULL) {
        return um_ctl_fail(
            c, UM_CTL_REFUSED, "NO_RESOURCES", "cannot begin: no memory");
    }
    return UM_CTL_DONE;
}

static void
ctl_close(um_ctl_t *c)
{
    for (uint32_t i = 0; i < c->brokers; i++) {
        if (c->broker[i].http != NULL) {
            um_httpc_free(c->broker[i].http);
        }
    }
    if (c->jobs != NULL) {
        um_jobs_free(c->jobs, um_resolve_drop);
    }
    if (c->loop != NULL) {
        um_io_close(&c->signals);
        um_loop_free(c->loop);
    }
    um_sbuf_deinit(&c->out);
    um_pool_free(c->pool);
}

/* Whoever reads it may be slow: Ctrl-C works as it always does. */
static bool
put_out(um_ctl_t *c)
{
    sigset_t set;
    size_t len = strlen(um_ctl_cstr(&c->out));

    stop_signals(&set);
    (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
    return fwrite(c->out.data != NULL ? c->out.data : "", 1, len, stdout) == len
           && fflush(stdout) == 0;
}

/* Wrong words: which, and how they should be. */
static int
say_usage(um_ctl_t *c, um_sbuf_t *wrong)
{
    const um_ctl_cmd_t *cmd = c->opts.cmd;
    int status =
        um_ctl_fail(c, UM_CTL_USAGE, "USAGE", "%s", um_ctl_cstr(wrong));

    if (cmd != NULL && cmd->run != um_ctl_help) {
        um_sbuf_t usage = { 0 };

        um_ctl_doc_usage(&usage, cmd);
        fprintf(stderr, "usage: %s\n", um_ctl_cstr(&usage));
        um_sbuf_deinit(&usage);
    } else {
        fputs("\"undermoonctl help\" shows what there is\n", stderr);
    }
    return status;
}

static int
ctl_run(um_ctl_t *c)
{
    int status;

    if (c->opts.help && c->opts.cmd->run != um_ctl_help) {
        um_ctl_doc_cmd(&c->out, c->opts.cmd);
        return UM_CTL_DONE;
    }
    if (c->opts.cmd->run == um_ctl_help) {
        return um_ctl_help(c);
    }

    status = ctl_open(c);
    if (status == UM_CTL_DONE) {
        status = c->opts.cmd->run(c);
    }
    progress_end(c);
    return status;
}

int
um_ctl_main(int argc, char **argv)
{
    static um_ctl_t c = { .signals = { .fd = -1 } };
    const char *term = getenv("TERM");
    um_sbuf_t wrong = { 0 };
    int status;

    um_ctl_mem_hooks();
    um_log_name("undermoonctl");
    if (um_log_open("stderr", UM_LOG_ALERT) != UM_OK) {
        return UM_CTL_REFUSED;
    }

    c.pool = um_ctl_pool();
    if (um_ctl_opts_parse(&c.opts, argc, argv, getenv, &wrong)) {
        bool dumb = term != NULL && strcmp(term, "dumb") == 0;

        c.colour = !c.opts.no_colour && isatty(STDOUT_FILENO) && !dumb;
        c.terminal = isatty(STDERR_FILENO) && !dumb;
        status = ctl_run(&c);
    } else {
        status = say_usage(&c, &wrong);
    }

    um_sbuf_deinit(&wrong);
    if (!put_out(&c)) {
        fprintf(stderr, "undermoonctl: cannot write: %s\n", strerror(errno));
        status = status == UM_CTL_DONE ? UM_CTL_REFUSED : status;
    }
    ctl_close(&c);
    return status;
}
