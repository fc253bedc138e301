/*
 * The checksum within the file, and the notes before it; see file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/um_crc64.h"
#include "core/um_str.h"

/* The seal has one length, and so one place. */
#define SEAL_KEY  ",\"checksum\":\""
#define SEAL_FMT  SEAL_KEY "%016" PRIx64 "-%012zu\"}\n"
#define SEAL_LEN  (sizeof(SEAL_KEY) - 1 + 16 + 1 + 12 + 3)
#define SEAL_ROOM (SEAL_LEN + 1 + 8) /* for a length nobody has */

/* In this order; each takes the brace at the end along. */
static const struct {
    unsigned bit;
    const char *member;
} seal_notes[] = {
    { FILE_OLDER, ",\"older\":true}" },
    { FILE_REPLICA, ",\"replica\":true}" },
};

/* It replaces the brace at the end, which is put back to check it. */
static void
seal_format(um_str_t text, char out[SEAL_ROOM])
{
    snprintf(out, SEAL_ROOM, SEAL_FMT, um_crc64(text), text.len);
}

void
file_seal(um_str_t text, unsigned notes, um_sbuf_t *out)
{
    char seal[SEAL_ROOM];

    um_assert(text.len > 2 && text.data[text.len - 1] == '}');

    um_sbuf_add(out, text.data, text.len);
    for (size_t i = 0; i < um_countof(seal_notes) && !out->failed; i++) {
        if (notes & seal_notes[i].bit) {
            out->len--;
            um_sbuf_addz(out, seal_notes[i].member);
        }
    }
    if (out->failed) {
        return;
    }

    seal_format((um_str_t){ out->data, out->len }, seal);
    out->len--;
    um_sbuf_add(out, seal, SEAL_LEN);
}

/* Take the notes off its end. */
static unsigned
seal_take_notes(um_sbuf_t *text)
{
    unsigned notes = 0;

    for (size_t i = um_countof(seal_notes); i-- > 0;) {
        size_t len = strlen(seal_notes[i].member);

        if (text->len > len
            && memcmp(text->data + text->len - len, seal_notes[i].member, len)
                   == 0)
        {
            text->len -= len;
            text->data[text->len++] = '}';
            notes |= seal_notes[i].bit;
        }
    }

    return notes;
}

static void
seal_trim(um_sbuf_t *text)
{
    while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1])) {
        text->len--;
    }
}

static const char *
seal_check(um_sbuf_t *text)
{
    size_t body;
    char have[SEAL_LEN];
    char want[SEAL_ROOM];

    if (text->len > SEAL_LEN
        && memcmp(text->data + text->len - SEAL_LEN, SEAL_KEY,
               sizeof(SEAL_KEY) - 1)
               == 0)
    {
        body = text->len - SEAL_LEN;
        memcpy(have, text->data + body, SEAL_LEN);
        text->data[body] = '}';
        text->len = body + 1;
        seal_format((um_str_t){ text->data, text->len }, want);
        return memcmp(have, want, SEAL_LEN) == 0 ? NULL
                                                 : "its checksum is wrong";
    }

    seal_trim(text);
    if (text->len == 0) {
        return "it is empty";
    }

    if (text->data[0] != '{' || text->data[text->len - 1] != '}') {
        return "it is cut or no JSON object";
    }

    return NULL;
}

const char *
file_unseal(um_sbuf_t *text, unsigned *notes)
{
    const char *wrong = seal_check(text);

    *notes = wrong == NULL ? seal_take_notes(text) : 0;
    return wrong;
}
