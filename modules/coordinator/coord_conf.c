/* SPDX-License-Identifier: Apache-2.0 */

#include "coord_conf.h"

#include <string.h>

#include "core/um_str.h"

static const um_bounds_t conf_time = { .min = 50, .max = 3600000 };
static const um_bounds_t conf_short = { .min = 50, .max = 60000 };
static const um_bounds_t conf_clients = { .min = 1, .max = 10000 };

/* It stands in paths of the broker, which takes escapes for what they are. */
static const char *
conf_set_reporter(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    for (const char *p = cx->arg[0]; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("/?#%\"\\", *p) != NULL) {
            return "has a character that has no place in a path";
        }
    }

    return um_set_str(cx, d, conf);
}

const um_directive_t coord_directives[] = {
    {
        .name = "listen",
        .args = "ADDRESS...",
        .min = 1,
        .max = 16,
        .flags = UM_DIR_MULTI,
        .set = um_set_addrs,
        .offset = offsetof(coord_conf_t, listen),
        .dflt = "127.0.0.1:6699",
        .doc = "Where it answers CONFIG and INFO in Redis' protocol: "
               "host:port, [IPv6]:port or unix:/path. Whoever can write to it "
               "can give it another broker.",
        .env = "ADDRESS",
    },
    {
        .name = "http_listen",
        .args = "ADDRESS...",
        .min = 1,
        .max = 16,
        .flags = UM_DIR_MULTI,
        .set = um_set_addrs,
        .offset = offsetof(coord_conf_t, http_listen),
        .doc = "Where it answers /status, /metrics, /healthz and /readyz over "
               "HTTP; without it nowhere. By custom 127.0.0.1:6698.",
    },
    {
        .name = "allow",
        .args = "ADDRESS | NETWORK | unix...",
        .min = 1,
        .max = UM_CONF_WORDS_MAX,
        .flags = UM_DIR_MULTI,
        .set = um_set_cidrs,
        .offset = offsetof(coord_conf_t, allow),
        .doc = "Who may connect to listen and http_listen. Without it "
               "everybody who can reach the address.",
    },
    {
        .name = "max_clients",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .set = um_set_u32,
        .offset = offsetof(coord_conf_t, max_clients),
        .post = &conf_clients,
        .dflt = "100",
        .doc = "Clients at once, of listen and of http_listen each.",
    },
    {
        .name = "session_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, session_timeout),
        .post = &conf_time,
        .dflt = "300s",
        .doc = "How long a client of listen may be idle.",
    },
    {
        .name = "broker_address",
        .args = "ADDRESS...",
        .min = 1,
        .max = COORD_BROKERS_MAX,
        .flags = UM_DIR_MULTI | UM_DIR_LIST,
        .set = um_set_addrs,
        .offset = offsetof(coord_conf_t, broker),
        .dflt = "127.0.0.1:7799",
        .doc = "The brokers. One is kept to until it does not answer, then "
               "the next one is. CONFIG SET brokers changes them for good, "
               "until something else is written here.",
        .env = "BROKER_ADDRESS",
    },
    {
        .name = "broker_token",
        .args = "TOKEN",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(coord_conf_t, broker_token),
        .doc = "The broker's write_token.",
    },
    {
        .name = "broker_user",
        .args = "NAME PASSWORD",
        .min = 2,
        .max = 2,
        .flags = UM_DIR_SECRET,
        .set = um_set_login,
        .offset = offsetof(coord_conf_t, broker_user),
        .doc = "The broker's write_user; broker_token comes before it.",
    },
    {
        .name = "broker_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, broker_timeout),
        .post = &conf_short,
        .dflt = "3s",
        .doc = "How long a broker may take to answer.",
    },
    {
        .name = "state_file",
        .args = "PATH",
        .min = 1,
        .max = 1,
        .set = um_set_path,
        .offset = offsetof(coord_conf_t, state_file),
        .dflt = "/var/lib/undermoond/coordinator",
        .doc = "Where brokers set by CONFIG SET are kept; \"\": nowhere.",
    },
    {
        .name = "reporter_id",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .set = conf_set_reporter,
        .offset = offsetof(coord_conf_t, reporter_id),
        .doc = "By what name it reports failures to the broker; its first "
               "listen address unless told otherwise. Each coordinator needs "
               "one of its own, or a failure_quorum is never reached.",
        .env = "REPORTER_ID",
    },
    {
        .name = "proxy_user",
        .args = "NAME",
        .min = 1,
        .max = 1,
        .set = um_set_str,
        .offset = offsetof(coord_conf_t, proxy_user),
        .doc = "The name to say AUTH with to proxies.",
    },
    {
        .name = "proxy_password",
        .args = "PASSWORD",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_SECRET,
        .set = um_set_str,
        .offset = offsetof(coord_conf_t, proxy_password),
        .doc = "The password of the proxies.",
    },
    {
        .name = "proxy_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, proxy_timeout),
        .post = &conf_short,
        .unit = 1000,
        .dflt = "2s",
        .doc = "How long a proxy may take to answer anything but a look "
               "whether it is alive.",
        .env = "PROXY_TIMEOUT",
    },
    {
        .name = "look_timeout",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, look_timeout),
        .post = &conf_short,
        .dflt = "1200ms",
        .doc = "How long it may take to answer that. Silent for as long twice, "
               "the second time over a fresh connection, it has failed.",
    },
    {
        .name = "beat_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, beat_interval),
        .post = &conf_short,
        .dflt = "500ms",
        .doc = "The pause between two looks at a proxy.",
    },
    {
        .name = "sync_interval",
        .args = "TIME",
        .min = 1,
        .max = 1,
        .set = um_set_msec,
        .offset = offsetof(coord_conf_t, sync_interval),
        .post = &conf_short,
        .dflt = "200ms",
        .doc = "The pause between two looks at the broker's epoch and at the "
               "failures it knows of.",
    },
    {
        .name = "enable_compression",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(coord_conf_t, compression),
        .dflt = "off",
        .doc = "Metadata go to the proxies packed. It saves bytes on the "
               "network and costs time here.",
        .env = "ENABLE_COMPRESSION",
    },
    {
        .name = "disable_failover",
        .args = "on | off",
        .min = 1,
        .max = 1,
        .set = um_set_flag,
        .offset = offsetof(coord_conf_t, disable_failover),
        .dflt = "off",
        .doc = "Failures are reported, and nobody is replaced.",
        .env = "DISABLE_FAILOVER",
    },
    {
        .name = "thread_number",
        .args = "NUMBER",
        .min = 1,
        .max = 1,
        .flags = UM_DIR_IGNORED,
        .set = um_set_u32,
        .offset = offsetof(coord_conf_t, threads),
        .doc = "Accepted, without effect: one loop does it all.",
        .env = "THREAD_NUMBER",
    },
    { .name = NULL },
};

const char *
coord_conf_check(um_conf_cx_t *cx, void *conf)
{
    coord_conf_t *cc = conf;
    const char *wrong;

    if (cc->broker_count > COORD_BROKERS_MAX) {
        return "has more than 16 brokers";
    }

    for (uint32_t i = 0; i < cc->broker_count; i++) {
        if (cc->broker[i].kind == UM_ADDR_UNIX) {
            return um_conf_phrase(cx,
                "broker_address: %.64s: a broker is not asked over a socket "
                "file",
                cc->broker[i].text);
        }
    }

    wrong = um_conf_check_ports(cx, "listen", cc->listen, cc->listen_count);
    if (wrong == NULL) {
        wrong = um_conf_check_ports(
            cx, "http_listen", cc->http_listen, cc->http_listen_count);
    }
    if (wrong == NULL) {
        wrong = um_conf_check_ports(
            cx, "broker_address", cc->broker, cc->broker_count);
    }

    return wrong;
}

const um_addr_t *
coord_conf_listen(const void *conf, uint32_t i)
{
    const coord_conf_t *cc = conf;

    if (i < cc->listen_count) {
        return &cc->listen[i];
    }

    i -= cc->listen_count;
    return i < cc->http_listen_count ? &cc->http_listen[i] : NULL;
}

uint32_t
coord_conf_brokers(um_str_t text, um_addr_t *list, const char **wrong)
{
    uint32_t count = 0;

    while (text.len > 0) {
        const char *comma = memchr(text.data, ',', text.len);
        size_t len = comma != NULL ? (size_t) (comma - text.data) : text.len;
        um_str_t one = { text.data, len };

        text.data += len + (comma != NULL);
        text.len -= len + (comma != NULL);
        if (count == COORD_BROKERS_MAX) {
            *wrong = "are too many";
            return 0;
        }

        *wrong = um_addr_parse(&list[count], one);
        if (*wrong != NULL) {
            return 0;
        }
        if (list[count].kind == UM_ADDR_UNIX || list[count].port == 0) {
            *wrong = "must be HOST:PORT";
            return 0;
        }
        count++;
    }

    *wrong = count == 0 ? "must be HOST:PORT" : NULL;
    return count;
}
