/*
 * check_master.c -- what the master decides: rows, shares of the listening
 * sockets, the settings of a redis-server; and its sockets themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/um_str.h"
#include "master/um_listener.h"
#include "master/um_redis_child.h"
#include "master/um_rows.h"
#include "master/um_stuck.h"
#include "shm/um_shm.h"
#include "um_check.h"

/* --- Shares of the listening sockets ---------------------------------------
 */

static const struct {
    uint32_t sockets;
    uint32_t workers;
    uint32_t index;
    const char *share; /* which it serves */
} shares[] = {
    { 1, 1, 0, "0" },
    { 4, 4, 2, "2" },
    { 4, 1, 0, "0123" },
    { 4, 2, 0, "02" },
    { 4, 2, 1, "13" },
    { 5, 3, 0, "03" },
    { 5, 3, 1, "14" },
    { 5, 3, 2, "2" },
};

START_TEST(a_worker_serves_its_own_socket_and_a_share_of_the_surplus)
{
    char share[16] = "";
    uint32_t i;

    for (i = 0; i < shares[_i].sockets; i++) {
        if (um_listener_is_served(
                i, false, shares[_i].workers, shares[_i].index)) {
            size_t at = strlen(share);

            snprintf(share + at, sizeof(share) - at, "%u", i);
        }
    }

    ck_assert_str_eq(share, shares[_i].share);
}
END_TEST

START_TEST(every_socket_has_exactly_one_worker)
{
    uint32_t sockets;
    uint32_t workers;
    uint32_t s;
    uint32_t w;

    for (workers = 1; workers <= 8; workers++) {
        for (sockets = workers; sockets <= 3 * workers; sockets++) {
            for (s = 0; s < sockets; s++) {
                uint32_t n = 0;
                uint32_t shared = 0;

                for (w = 0; w < workers; w++) {
                    n += um_listener_is_served(s, false, workers, w);
                    shared += um_listener_is_served(s, true, workers, w);
                }

                ck_assert_uint_eq(n, 1);
                ck_assert_uint_eq(shared, workers);
            }
        }
    }
}
END_TEST

/* --- The sockets ------------------------------------------------------------
 */

static um_addr_t
addr_of(const char *text)
{
    um_addr_t a;

    ck_assert_ptr_null(um_addr_parse(&a, um_str_of(text)));
    return a;
}

/* A port nobody has. */
static uint16_t
port_free(void)
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *) &sin, sizeof(sin)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &sin, &len), 0);
    close(fd);
    return ntohs(sin.sin_port);
}

static bool
connects(const um_listener_t *l)
{
    int fd = socket(l->sa.ss_family, SOCK_STREAM, 0);
    bool yes = connect(fd, (const struct sockaddr *) &l->sa, l->sa_len) == 0;

    close(fd);
    return yes;
}

START_TEST(sockets_are_inherited_and_those_missing_are_opened)
{
    um_pool_t *pool = um_pool_new();
    um_listener_t one;
    um_listener_t two;
    um_listener_t other;
    um_addr_t a;
    char text[32];

    snprintf(text, sizeof(text), "127.0.0.1:%u", port_free());
    a = addr_of(text);
    ck_assert_int_eq(um_listener_resolve(&one, &a, false), UM_OK);
    ck_assert_int_eq(um_listener_open(&one, NULL, 2, pool), UM_OK);
    ck_assert_uint_eq(one.fd_count, 2);
    ck_assert_msg(!connects(&one), "nobody is let in before the commit");
    um_listener_commit(&one);
    ck_assert(connects(&one));

    /* Somebody else of the same kind must not share it. */
    ck_assert_int_eq(um_listener_resolve(&other, &a, false), UM_OK);
    ck_assert(um_listener_is_same(&one, &other));
    ck_assert_int_eq(um_listener_open(&other, NULL, 1, pool), UM_ERR);
    um_listener_abandon(&other);

    /* More workers: two are inherited, one is new; and given up again. */
    ck_assert_int_eq(um_listener_resolve(&two, &a, true), UM_OK);
    ck_assert_int_eq(um_listener_open(&two, &one, 3, pool), UM_OK);
    ck_assert_uint_eq(two.fd_count, 3);
    ck_assert_int_eq(two.fd[0], one.fd[0]);
    ck_assert_int_eq(two.fd[1], one.fd[1]);
    um_listener_abandon(&two);
    ck_assert_uint_eq(two.fd_count, 2);
    ck_assert(connects(&one));

    /* Fewer workers close none. */
    ck_assert_int_eq(um_listener_resolve(&two, &a, true), UM_OK);
    ck_assert_int_eq(um_listener_open(&two, &one, 1, pool), UM_OK);
    ck_assert_uint_eq(two.fd_count, 2);
    um_listener_close(&two);
    ck_assert(!connects(&one));
    um_pool_free(pool);
}
END_TEST

START_TEST(a_unix_socket_is_one_for_all_and_goes_with_its_file)
{
    char dir[] = "/tmp/um-check-XXXXXX";
    um_pool_t *pool = um_pool_new();
    um_listener_t l;
    um_listener_t other;
    um_addr_t a;
    char text[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(text, sizeof(text), "unix:%s/sock", dir);
    a = addr_of(text);

    ck_assert_int_eq(um_listener_resolve(&l, &a, false), UM_OK);
    ck_assert(um_listener_is_shared(&l));
    ck_assert_int_eq(um_listener_open(&l, NULL, 4, pool), UM_OK);
    ck_assert_uint_eq(l.fd_count, 1);
    um_listener_commit(&l);
    ck_assert(connects(&l));

    ck_assert_int_eq(um_listener_resolve(&other, &a, false), UM_OK);
    ck_assert_int_eq(um_listener_open(&other, NULL, 1, pool), UM_ERR);
    um_listener_abandon(&other);
    ck_assert_msg(connects(&l), "whoever came second has not harmed it");

    /* Killed, it leaves its file; the next one takes the place. */
    close(l.fd[0]);
    ck_assert_int_eq(um_listener_resolve(&other, &a, false), UM_OK);
    ck_assert_int_eq(um_listener_open(&other, NULL, 1, pool), UM_OK);
    um_listener_commit(&other);
    ck_assert(connects(&other));

    l.fd_count = 1;
    l.fd[0] = dup(other.fd[0]);
    um_listener_close(&l);
    ck_assert_msg(connects(&other), "a file that is not ours any more stays");

    um_listener_close(&other);
    ck_assert_int_eq(access(text + strlen("unix:"), F_OK), -1);
    ck_assert_int_eq(rmdir(dir), 0);
    um_pool_free(pool);
}
END_TEST

START_TEST(a_port_must_be_named)
{
    um_addr_t a = addr_of("127.0.0.1:1");
    um_listener_t l;

    a.port = 0;
    ck_assert_int_eq(um_listener_resolve(&l, &a, false), UM_ERR);

    a = addr_of("localhost:7");
    ck_assert_int_eq(um_listener_resolve(&l, &a, false), UM_OK);
    ck_assert_uint_gt(l.sa_len, 0);
}
END_TEST

/* --- Rows of the noticeboard
 * -------------------------------------------------- */

static um_shm_t shm;

static um_workers_sh_t *
rows_of(uint32_t rows)
{
    ck_assert_int_eq(um_shm_create(&shm, rows, 16), UM_OK);
    return shm.workers;
}

START_TEST(a_row_is_taken_and_given_back)
{
    um_workers_sh_t *sh = rows_of(2);
    uint32_t a;
    uint32_t b;
    uint32_t c;

    ck_assert_int_eq(um_rows_take(sh, &a), UM_OK);
    ck_assert_int_eq(um_rows_take(sh, &b), UM_OK);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(um_rows_free(sh), 0);
    ck_assert_int_eq(um_rows_take(sh, &c), UM_AGAIN);
    ck_assert_uint_eq(atomic_load(&sh->row[a].state), UM_ROW_STARTING);
    ck_assert_uint_eq(atomic_load(&sh->row[a].incarnation), 1);

    um_rows_ended(sh, a, true);
    ck_assert_uint_eq(um_rows_free(sh), 1);
    ck_assert_int_eq(um_rows_take(sh, &c), UM_OK);
    ck_assert_uint_eq(c, a);
    ck_assert_uint_eq(atomic_load(&sh->row[a].incarnation), 2);
    um_shm_destroy(&shm);
}
END_TEST

START_TEST(a_dead_row_waits_for_its_connections)
{
    um_workers_sh_t *sh = rows_of(2);
    um_row_sh_t *row;
    uint32_t a;

    ck_assert_int_eq(um_rows_take(sh, &a), UM_OK);
    row = &sh->row[a];
    atomic_store(&row->clients, 5);
    atomic_store(&row->conns, UM_ROW_CONNS);
    atomic_store(&row->conn[UM_ROW_CONNS - 1].id, 77);
    um_stat_add(row, UM_STAT_COMMANDS, 9);

    um_rows_ended(sh, a, false);
    ck_assert_uint_eq(atomic_load(&row->clients), 0);
    um_rows_sweep(sh);
    ck_assert_uint_eq(atomic_load(&row->state), UM_ROW_DEAD);

    atomic_store(&row->conn[UM_ROW_CONNS - 1].id, 0);
    um_rows_sweep(sh);
    ck_assert_uint_eq(atomic_load(&row->state), UM_ROW_FREE);
    ck_assert_msg(um_workers_sum(sh, UM_STAT_COMMANDS) == 9,
        "what it has done is not forgotten");
    um_shm_destroy(&shm);
}
END_TEST

START_TEST(the_longest_dead_gives_way_when_nothing_is_free)
{
    um_workers_sh_t *sh = rows_of(2);
    uint32_t row[2];
    uint32_t c;
    int i;

    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(um_rows_take(sh, &row[i]), UM_OK);
        atomic_store(&sh->row[row[i]].conns, 1);
        atomic_store(&sh->row[row[i]].conn[0].id, 7);
        atomic_store(&sh->row[row[i]].started_ns, 10 - (uint64_t) i);
        um_rows_ended(sh, row[i], false);
    }

    ck_assert_int_eq(um_rows_take(sh, &c), UM_OK);
    ck_assert_uint_eq(c, row[1]);
    ck_assert_uint_eq(atomic_load(&sh->row[c].conn[0].id), 0);
    um_shm_destroy(&shm);
}
END_TEST

/* --- redis.conf
 * ------------------------------------------------------------------ */

START_TEST(a_redis_server_is_told_all_it_needs)
{
    static const char expect[] = "daemonize no\n"
                                 "supervised no\n"
                                 "dir \"/d/7001\"\n"
                                 "appendonly yes\n"
                                 "logfile redis.log\n"
                                 "port 7001\n"
                                 "bind \"127.0.0.1\"\n"
                                 "slaveof 127.0.0.1 0\n"
                                 "maxmemory 1000\n"
                                 "requirepass \"a \\x22b\\x5c\"\n"
                                 "masterauth \"a \\x22b\\x5c\"\n"
                                 "hz \"20\"\n";
    um_redis_set_t hz = { .name = (char[]){ "hz" },
        .value = (char[]){ "\"20\"" } };
    um_redis_conf_t conf = { .dir = (char[]){ "/d" },
        .appendonly = true,
        .maxmemory = 1000,
        .set = &hz,
        .set_count = 1 };
    um_redis_common_t common = { .conf = &conf, .password = "a \"b\\" };
    um_addr_t a = addr_of("127.0.0.1:7001");
    um_sbuf_t text = { 0 };
    um_redis_child_t c;

    ck_assert_int_eq(um_redis_child_init(&c, &common, &a), UM_OK);
    ck_assert_str_eq(c.proc.name, "redis 7001");
    um_redis_child_conf(&c, &text);
    ck_assert_str_eq(um_sbuf_cstr(&text), expect);
    um_redis_child_deinit(&c);

    a = addr_of("unix:/s/r.sock");
    common.password = NULL;
    conf.set_count = 0;
    conf.appendonly = false;
    um_sbuf_clear(&text);
    ck_assert_int_eq(um_redis_child_init(&c, &common, &a), UM_OK);
    um_redis_child_conf(&c, &text);
    ck_assert_ptr_nonnull(strstr(um_sbuf_cstr(&text),
        "port 0\nunixsocketperm 700\nunixsocket \"/s/r.sock\"\n"));
    ck_assert_ptr_nonnull(
        strstr(um_sbuf_cstr(&text), "dir \"/d/r.sock\"\nappendonly no\n"));
    um_redis_child_deinit(&c);
    um_sbuf_deinit(&text);
}
END_TEST

/* --- Who hangs --------------------------------------------------------------
 */

#define SEC UINT64_C(1000000000)

/* What eight looks show, one a second from a turn at 100 s on: a letter is the
 * state ps has, R with a digit: and so many tenths of a second of CPU. */
static const struct {
    const char *looks;
    uint64_t had_ms;
    const char *why;
} stuck[] = {
    { "S S S S S S S S", 8000, "it sleeps and does not turn" },
    { "T T T T T T T T", 8000, "it is stopped" },
    { "D D D D D D D D", 8000, "it waits for a disk" },
    { "R9 R9 R9 R9 R9 R9 R9 R9", 6300, "it spins; who knows before the first" },
    { "R0 R0 R0 R0 R0 R0 R0 R0", 0, "it gets no CPU at all" },
    { "R1 R1 R1 R1 R1 R1 R1 R1", 700, "it gets a tenth of one" },
    { "S R0 R0 R0 R0 R0 R0 R0", 1000, "it slept, and is not let run since" },
    { "R0 R0 R0 R0 T T T T", 4000, "and then it is stopped" },
    { "S R5 S R5 S R5 S R5", 6000, "it runs and sleeps without a turn" },
    { "R0 R0 R0 |R0 R9 R9 R9 R9", 3600, "a turn begins it anew" },
};

START_TEST(a_hang_is_counted_in_time_that_could_be_used)
{
    const char *p = stuck[_i].looks;
    um_stuck_look_t look = { .at_ns = 100 * SEC, .cpu_ns = 7 * SEC };
    uint64_t turn = look.at_ns;
    um_stuck_t s = { 0 };

    for (; *p != '\0'; p++) {
        if (*p == ' ') {
            continue;
        }
        if (*p == '|') {
            turn = look.at_ns;
            continue;
        }

        look.at_ns += SEC;
        look.wants_cpu = *p == 'R';
        if (look.wants_cpu) {
            look.cpu_ns += (uint64_t) (*++p - '0') * (SEC / 10);
        }
        um_stuck_add(&s, turn, &look);
    }

    ck_assert_msg(s.had_ns == stuck[_i].had_ms * 1000000,
        "%s: %s: %" PRIu64 " ms", stuck[_i].looks, stuck[_i].why,
        s.had_ns / 1000000);
}
END_TEST

static const struct {
    const char *text;
    bool fine, wants_cpu;
    uint64_t ticks;
} stats[] = {
    { "12 (undermoond) R 1 12 12 0 -1 4194560 7 0 0 0 30 12 0 0 20 0", true,
        true, 42 },
    { "12 (a) R (b) c) S 1 12 12 0 -1 4194560 7 0 0 0 1 2 0 0 20 0", true,
        false, 3 },
    { "12 (undermoond) T 1 12 12 0 -1 4194560 7 0 0 0 0 0 0", true, false, 0 },
    { "12 (undermoond) R 1 12 12 0 -1 4194560 7 0 0 0 30", false, false, 0 },
    { "12 undermoond R 1", false, false, 0 },
    { "", false, false, 0 },
};

START_TEST(what_the_kernel_says_of_a_process_is_understood)
{
    um_stuck_look_t look = { 0 };

    ck_assert_int_eq(um_stuck_parse(stats[_i].text, 10, &look),
        stats[_i].fine ? UM_OK : UM_ERR);
    ck_assert_int_eq(look.wants_cpu, stats[_i].wants_cpu);
    ck_assert_uint_eq(look.cpu_ns, 10 * stats[_i].ticks);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("master");
    TCase *tc = tcase_create("master");

    tcase_add_loop_test(tc,
        a_worker_serves_its_own_socket_and_a_share_of_the_surplus, 0,
        um_countof(shares));
    tcase_add_test(tc, every_socket_has_exactly_one_worker);
    tcase_add_test(tc, sockets_are_inherited_and_those_missing_are_opened);
    tcase_add_test(tc, a_unix_socket_is_one_for_all_and_goes_with_its_file);
    tcase_add_test(tc, a_port_must_be_named);
    tcase_add_test(tc, a_row_is_taken_and_given_back);
    tcase_add_test(tc, a_dead_row_waits_for_its_connections);
    tcase_add_test(tc, the_longest_dead_gives_way_when_nothing_is_free);
    tcase_add_test(tc, a_redis_server_is_told_all_it_needs);
    tcase_add_loop_test(
        tc, a_hang_is_counted_in_time_that_could_be_used, 0, um_countof(stuck));
    tcase_add_loop_test(tc, what_the_kernel_says_of_a_process_is_understood, 0,
        um_countof(stats));
    suite_add_tcase(suite, tc);
    return um_check_main(suite);
}
