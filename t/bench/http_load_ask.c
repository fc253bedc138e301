/* SPDX-License-Identifier: Apache-2.0 */

#include "http_load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATH_ROOM 4096

ask_t *asks;
size_t asks_count;

void
fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("http_load: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\n", stderr);
    va_end(ap);
    exit(EXIT_FAILURE);
}

void
asks_read(void)
{
    char line[PATH_ROOM];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        size_t len = strcspn(line, "\n");

        if (len == 0) {
            continue;
        }

        asks = realloc(asks, (asks_count + 1) * sizeof(*asks));
        if (asks == NULL) {
            fail("out of memory");
        }
        memset(&asks[asks_count], 0, sizeof(*asks));
        um_sbuf_add(&asks[asks_count].path, line, len);
        asks_count++;
    }

    if (asks_count == 0) {
        fail("no path is given");
    }
}

void
asks_make(const char *host, const um_sbuf_t *fields)
{
    for (size_t i = 0; i < asks_count; i++) {
        ask_t *a = &asks[i];

        um_sbuf_clear(&a->request);
        um_sbuf_addf(&a->request, "GET %s HTTP/1.1\r\nHost: %s\r\n",
            um_sbuf_cstr(&a->path), host);
        if (a->tag.len > 0) {
            um_sbuf_addf(
                &a->request, "If-None-Match: %s\r\n", um_sbuf_cstr(&a->tag));
        }
        um_sbuf_add(&a->request, fields->data, fields->len);
        um_sbuf_addz(&a->request, "\r\n");
        if (a->request.failed) {
            fail("out of memory");
        }
    }
}

void
asks_write_bodies(const char *file)
{
    FILE *f = fopen(file, "w");
    bool ok = f != NULL;

    for (size_t i = 0; ok && i < asks_count; i++) {
        ask_t *a = &asks[i];

        ok = fprintf(f, "%s %zu\n", um_sbuf_cstr(&a->path), a->body.len) > 0
             && fwrite(a->body.data, 1, a->body.len, f) == a->body.len;
    }

    if (!ok || fclose(f) != 0) {
        fail("%s: %s", file, strerror(errno));
    }
}

um_str_t
head_field(um_str_t head, um_str_t name)
{
    const char *at = head.data, *end = head.data + head.len;

    while (at < end) {
        const char *stop = memchr(at, '\r', (size_t) (end - at));
        size_t len = (size_t) ((stop != NULL ? stop : end) - at);

        if (len > name.len && at[name.len] == ':'
            && strncasecmp(at, name.data, name.len) == 0)
        {
            at += name.len + 1;
            len -= name.len + 1;
            while (len > 0 && *at == ' ') {
                at++;
                len--;
            }
            return (um_str_t){ at, len };
        }
        at += len + 2;
    }

    return (um_str_t){ "", 0 };
}
