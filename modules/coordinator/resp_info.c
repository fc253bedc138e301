/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <unistd.h>

#include "coord_facts.h"
#include "core/um_str.h"
#include "resp_cmd.h"

static void
info_server(coord_t *co, um_sbuf_t *out)
{
    um_sbuf_addf(out,
        "undermoon_version:%s\r\nprocess_id:%ld\r\nrole:coordinator\r\n"
        "reporter_id:%s\r\n",
        co->env->api->version, (long) getpid(), co->reporter);
}

static void
info_brokers(coord_t *co, um_sbuf_t *out)
{
    broker_state_t b;

    for (uint32_t i = 0; brokers_state(co->brokers, i, &b); i++) {
        um_sbuf_addf(out,
            "broker%u:addr=%s,state=%s,asked=%" PRIu64 ",failed=%" PRIu64
            "\r\n",
            i, b.address,
            b.resting   ? "down"
            : b.current ? "current"
                        : "spare",
            b.asked, b.failed);
    }
}

static void
info_facts(coord_t *co, bool counters, um_sbuf_t *out)
{
    coord_fact_t f[COORD_FACTS];

    coord_facts(co, f);
    for (size_t i = 0; i < COORD_FACTS; i++) {
        if (f[i].counter == counters) {
            um_sbuf_addf(out, "%s:%" PRIu64 "\r\n", f[i].name, f[i].value);
        }
    }
}

static void
info_proxies(coord_t *co, um_sbuf_t *out)
{
    info_facts(co, false, out);
}

static void
info_counters(coord_t *co, um_sbuf_t *out)
{
    info_facts(co, true, out);
}

static const struct {
    const char *name;
    void (*write)(coord_t *co, um_sbuf_t *out);
} sections[] = {
    { "Server", info_server },
    { "Brokers", info_brokers },
    { "Proxies", info_proxies },
    { "Counters", info_counters },
};

void
resp_info(coord_t *co, um_str_t section, um_sbuf_t *out)
{
    bool all = section.len == 0 || um_str_ieq(section, um_lit("all"))
               || um_str_ieq(section, um_lit("everything"))
               || um_str_ieq(section, um_lit("default"));

    for (size_t i = 0; i < um_countof(sections); i++) {
        if (all || um_str_ieq(section, um_str_of(sections[i].name))) {
            um_sbuf_addf(out, "%s# %s\r\n", out->len > 0 ? "\r\n" : "",
                sections[i].name);
            sections[i].write(co, out);
        }
    }
}
