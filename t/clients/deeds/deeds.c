/*
 * The deeds, by hiredis: MODE RESP PORT PREFIX.  It knows no clusters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCRIPT                                                                 \
    "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"
#define SCRIPT_SHA "2b20e84ba26251fc86a627f03be6dd614b31bac8"
#define BIG        (5 * 1024 * 1024)

static redisContext *c;
static const char *prefix;
static char why[256]; /* what the deed has against the reply */

/* Take the reply: is it of this type, with this text or number? */
static bool
is(redisReply *r, int type, const char *text, long long n)
{
    bool same = r != NULL && r->type == type;

    if (same && text != NULL) {
        same = type == REDIS_REPLY_ERROR
                   ? strncmp(r->str, text, strlen(text)) == 0
                   : strcmp(r->str, text) == 0;
    } else if (same && type == REDIS_REPLY_INTEGER) {
        same = r->integer == n;
    }

    if (!same) {
        snprintf(why, sizeof(why), "%.100s instead of %.100s",
            r == NULL                        ? c->errstr
            : r->str != NULL                 ? r->str
            : r->type == REDIS_REPLY_INTEGER ? "a number"
                                             : "another reply",
            text != NULL ? text : "what was due");
    }
    if (r != NULL) {
        freeReplyObject(r);
    }
    return same;
}

static bool
is_ok(redisReply *r)
{
    return is(r, REDIS_REPLY_STATUS, "OK", 0);
}

static bool
is_number(redisReply *r, long long n)
{
    return is(r, REDIS_REPLY_INTEGER, NULL, n);
}

static bool
is_text(redisReply *r, const char *text)
{
    return is(r, REDIS_REPLY_STRING, text, 0);
}

static bool
is_error(redisReply *r, const char *word)
{
    return is(r, REDIS_REPLY_ERROR, word, 0);
}

#define say(...) redisCommand(c, __VA_ARGS__)

static bool
discovery(void)
{
    return is(say("PING"), REDIS_REPLY_STATUS, "PONG", 0);
}

static bool
strings(void)
{
    char n[16];

    for (int i = 0; i < 100; i++) {
        if (!is_ok(say("SET %s:%d %d", prefix, i, i))) {
            return false;
        }
    }
    for (int i = 0; i < 100; i++) {
        snprintf(n, sizeof(n), "%d", i);
        if (!is_text(say("GET %s:%d", prefix, i), n)) {
            return false;
        }
    }

    return is(say("GET %s:none", prefix), REDIS_REPLY_NIL, NULL, 0);
}

static bool
pipeline(void)
{
    redisReply *r;

    for (int i = 0; i < 5000; i++) {
        redisAppendCommand(c, "SET %s:p%d %d", prefix, i, i);
    }
    for (int i = 0; i < 5000; i++) {
        redisAppendCommand(c, "INCR %s:p%d", prefix, i);
    }
    for (int i = 0; i < 10000; i++) {
        if (redisGetReply(c, (void **) &r) != REDIS_OK) {
            snprintf(why, sizeof(why), "%s", c->errstr);
            return false;
        }
        if (!(i < 5000 ? is_ok(r) : is_number(r, i - 5000 + 1))) {
            return false;
        }
    }

    return true;
}

static bool
same_slot(void)
{
    redisReply *r;
    bool right;

    if (!is_ok(say("MSET {%s}:1 a {%s}:2 b", prefix, prefix))) {
        return false;
    }
    r = say("MGET {%s}:1 {%s}:2 {%s}:3", prefix, prefix, prefix);
    right = r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 3
            && strcmp(r->element[0]->str, "a") == 0
            && strcmp(r->element[1]->str, "b") == 0
            && r->element[2]->type == REDIS_REPLY_NIL;
    if (r != NULL) {
        freeReplyObject(r);
    }
    return right;
}

static bool
by_eval(void)
{
    return is_text(say("EVAL %s 1 %s:e one", SCRIPT, prefix), "one");
}

static bool
by_evalsha(void)
{
    return is_text(say("EVALSHA %s 1 %s:e two", SCRIPT_SHA, prefix), "two")
           && is_error(say("EVALSHA %040d 1 %s:e x", 0, prefix), "NOSCRIPT");
}

static bool
streams(void)
{
    char id[64];
    redisReply *r = say("XADD %s:s * n 0", prefix);
    bool right;

    if (r == NULL || r->type != REDIS_REPLY_STRING) {
        return is_text(r, "an id");
    }
    snprintf(id, sizeof(id), "%s", r->str);
    freeReplyObject(r);
    if (!is_ok(say("XGROUP CREATE %s:s g 0", prefix))) {
        return false;
    }

    r = say("XREADGROUP GROUP g me COUNT 10 STREAMS %s:s >", prefix);
    right =
        r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 1
        && strcmp(r->element[0]->element[1]->element[0]->element[0]->str, id)
               == 0;
    if (r != NULL) {
        freeReplyObject(r);
    }
    return right && is_number(say("XACK %s:s g %s", prefix, id), 1)
           && is_number(say("XACK %s:s g %s", prefix, id), 0);
}

static bool
bytes(const char *key, size_t keylen, const char *value, size_t len)
{
    redisReply *r;
    bool right;

    if (!is_ok(say("SET %b %b", key, keylen, value, len))) {
        return false;
    }
    r = say("GET %b", key, keylen);
    right = r != NULL && r->type == REDIS_REPLY_STRING && r->len == len
            && memcmp(r->str, value, len) == 0;
    if (r != NULL) {
        freeReplyObject(r);
    }
    return right;
}

static bool
binary(void)
{
    char odd[300];
    size_t n = (size_t) snprintf(odd, sizeof(odd), "%.40s", prefix);

    for (int i = 0; i < 256; i++) {
        odd[n++] = (char) i;
    }
    return bytes(odd, n, odd, n);
}

static bool
big(void)
{
    char key[64], *value = malloc(BIG);
    bool right;

    for (int i = 0; i < BIG; i++) {
        value[i] = (char) (i * 7);
    }
    right = bytes(key, (size_t) snprintf(key, sizeof(key), "%.40s:big", prefix),
        value, BIG);
    free(value);
    return right;
}

static bool
errors(void)
{
    return is_number(say("RPUSH %s:l x", prefix), 1)
           && is_error(say("GET %s:l", prefix), "WRONGTYPE")
           && is_number(say("LLEN %s:l", prefix), 1);
}

static bool
blpop(void)
{
    redisReply *r;
    bool right;

    printf("block list %s:q\n", prefix);
    r = say("BLPOP %s:q 30", prefix);
    right = r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 2
            && strcmp(r->element[1]->str, "pushed") == 0;
    if (!right) {
        return is_text(r, "an element");
    }
    freeReplyObject(r);
    return is(say("BRPOP %s:q 0.1", prefix), REDIS_REPLY_NIL, NULL, 0);
}

static bool
xread(void)
{
    redisReply *r;

    printf("block stream %s:sb\n", prefix);
    r = say("XREAD BLOCK 30000 STREAMS %s:sb $", prefix);
    if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 1) {
        return is_text(r, "an entry");
    }
    freeReplyObject(r);
    return true;
}

/*
 * Have the proxies restarted or the slots moved, then try until it goes well.
 * hiredis leaves it to its user to connect again.
 */
static bool
after(const char *change)
{
    time_t end;
    char line[64];

    printf("%s\n", change);
    if (fgets(line, sizeof(line), stdin) == NULL) {
        return false;
    }
    end = time(NULL) + 15;
    while (!strings()) {
        if (time(NULL) > end) {
            return false;
        }
        if (c->err != 0 && redisReconnect(c) != REDIS_OK) {
            nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        }
    }

    return true;
}

static bool
reconnect(void)
{
    return after("restart");
}

static bool
moved(void)
{
    return after("move");
}

static const struct {
    const char *name;
    bool (*done)(void);
} deeds[] = {
    { "discovery", discovery },
    { "strings", strings },
    { "pipeline", pipeline },
    { "same-slot", same_slot },
    { "eval", by_eval },
    { "evalsha", by_evalsha },
    { "streams", streams },
    { "binary", binary },
    { "big", big },
    { "errors", errors },
    { "blpop", blpop },
    { "xread", xread },
    { "reconnect", reconnect },
    { "moved", moved },
};

int
main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("version %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    printf("skip setinfo: it does not say it\n");
    prefix = argv[4];
    c = redisConnect("127.0.0.1", (int) strtol(argv[3], NULL, 10));
    if (c == NULL || c->err != 0) {
        return 1;
    }

    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        snprintf(why, sizeof(why), "another reply than was due");
        if (deeds[i].done()) {
            printf("ok %s\n", deeds[i].name);
        } else {
            printf("not ok %s: %s\n", deeds[i].name, why);
        }
    }

    redisFree(c);
    return 0;
}
