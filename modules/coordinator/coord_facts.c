/* SPDX-License-Identifier: Apache-2.0 */

#include "coord_facts.h"

typedef struct {
    uint64_t alive, doubted, faulty, dead, failed, synced, pushing;
} tally_t;

static tally_t
tally(coord_t *co)
{
    tally_t t = { 0 };

    for (uint32_t i = 0; i < co->proxies; i++) {
        coord_proxy_t *p = co->proxy[i];

        t.alive += p->watch.state == WATCH_ALIVE && p->heard_ns != 0;
        t.doubted += p->watch.state == WATCH_DOUBT;
        t.faulty += p->watch.state == WATCH_FAULTY;
        t.dead += p->watch.state == WATCH_DEAD;
        t.failed += p->failed;
        t.synced += push_is_done(p);
        t.pushing += p->stage != STAGE_NONE;
    }

    return t;
}

static uint64_t
views_count(const coord_t *co)
{
    uint64_t n = 0;

    um_list_each(l, &co->views)
    {
        n++;
    }

    return n;
}

void
coord_facts(coord_t *co, coord_fact_t f[COORD_FACTS])
{
    const coord_stats_t *st = &co->stats;
    um_talk_bytes_t bytes = proxies_bytes(co);
    tally_t t = tally(co);
    const coord_fact_t all[COORD_FACTS] = {
        { "epoch", "The broker's global epoch.", false, co->epoch },
        { "clusters", "Clusters.", false, views_count(co) },
        { "proxies", "Proxies.", false, co->proxies },
        { "proxies_alive", "That answer.", false, t.alive },
        { "proxies_doubted", "That are looked at again.", false, t.doubted },
        { "proxies_faulty", "That answer, with a Redis that fails.", false,
            t.faulty },
        { "proxies_dead", "That do not answer.", false, t.dead },
        { "proxies_failed", "Marked as failed by the broker.", false,
            t.failed },
        { "proxies_synced", "That have what the broker wants them to have.",
            false, t.synced },
        { "proxies_pushing", "That are being sent metadata.", false,
            t.pushing },
        { "migrations_undoing", "Migrations that are being taken back.", false,
            undo_count(co) },
        { "uptime_seconds", "Since this process started.", false,
            (um_loop_now(co->loop) - co->started_ns) / NS_PER_MS / 1000 },
        { "broker_age_milliseconds",
            "Since what is known was read from a broker.", false,
            co->known_ns == 0
                ? 0
                : (um_loop_now(co->loop) - co->known_ns) / NS_PER_MS },
        { "beats", "Looks at proxies.", true, st->beats },
        { "looks", "Looks over a fresh connection, in doubt.", true,
            st->looks },
        { "rounds", "Times everything was read from a broker.", true,
            st->rounds },
        { "pushes", "Times metadata were sent to a proxy.", true, st->pushes },
        { "pushes_refused", "Times they were refused.", true,
            st->pushes_refused },
        { "push_bytes", "Bytes of them.", true, st->push_bytes },
        { "failures", "Proxies found failed.", true, st->failures },
        { "reports", "Reports of failures that a broker took.", true,
            st->reports },
        { "failovers", "Failovers that a broker made for us.", true,
            st->failovers },
        { "failovers_refused", "Failovers that it could not make.", true,
            st->failovers_refused },
        { "commits", "Migrations it was told are done.", true, st->commits },
        { "migrations_undone", "Migrations that were taken back.", true,
            st->undone },
        { "taken_back", "Failed proxies taken back.", true, st->taken_back },
        { "ahead", "Times it was told that a proxy has a later epoch.", true,
            st->ahead },
        { "proxy_bytes_sent", "Bytes sent to proxies.", true, bytes.sent },
        { "proxy_bytes_received", "Bytes received from them.", true,
            bytes.received },
    };

    for (size_t i = 0; i < COORD_FACTS; i++) {
        f[i] = all[i];
    }
}
