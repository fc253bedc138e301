/*
 * What the daemon's own blocks say: main, proxy, redis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "um_check.h"

#include "core/um_str.h"
#include "master/um_main_conf.h"
#include "master/um_redis_conf.h"
#include "proxy/um_proxy_conf.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const um_block_t *const blocks[] = { &um_main_block, &um_proxy_block,
    &um_redis_block, NULL };

static char err[UM_CONF_ERR_MAX];

static um_conf_t *
load_env(const char *text, const char *var)
{
    char *env[] = { (char *) (uintptr_t) var, NULL };
    bool lookup = strstr(text, "localhost") != NULL;
    um_conf_options_t o = { .file = "f.conf",
        .text = text,
        .blocks = blocks,
        .prefix = "/p",
        .env = env,
        .quiet = true,
        .hermetic = !lookup };

    return um_conf_load(&o, err);
}

static um_conf_t *
load(const char *text)
{
    um_conf_t *cf = load_env(text, NULL);

    ck_assert_msg(cf != NULL, "%s", err);
    return cf;
}

static const um_main_conf_t *
main_of(const um_conf_t *cf)
{
    return um_conf_block(cf, "main");
}

static const um_proxy_conf_t *
proxy_of(const um_conf_t *cf)
{
    return um_conf_block(cf, "proxy");
}

static const struct {
    const char *text;
    const char *said; /* after "f.conf:1: " */
} errors[] = {
    { "worker_processes 0;", "worker_processes: \"0\" is out of bounds, 1 to "
                             "256" },
    { "worker_processes many;", "worker_processes: \"many\" is not a number" },
    { "error_log stderr loud;", "error_log: \"loud\" is none of alert, error, "
                                "warn, notice, info, debug" },
    { "error_log '';", "error_log: \"\" is no sink" },
    { "worker_watchdog 2h;",
        "worker_watchdog: \"2h\" is out of bounds, 0 to 1h" },
    { "worker_rlimit_nofile 3;",
        "worker_rlimit_nofile: \"3\" is out of bounds, 64 to 1073741824" },
    { "proxy { listen here; }", "listen: \"here\" has no port" },
    { "proxy { listen 1.2.3.4:5 private; }",
        "listen: \"private\" is not \"control\"" },
    { "proxy { listen h:1; listen h:1 control; }",
        "block \"proxy\": listen: \"h:1\" is named twice" },
    { "proxy { listen h:1 control; }",
        "block \"proxy\": has only control listeners, so nobody could be "
        "served" },
    { "proxy { announce_address unix:/x; }",
        "block \"proxy\": announce_address: peers and clients need "
        "host:port" },
    { "proxy { backend_conn_num 0; }",
        "backend_conn_num: \"0\" is out of bounds, 1 to 64" },
    { "proxy { backend_timeout 0; }",
        "backend_timeout: \"0\" is out of bounds, 10ms to 1d" },
    { "proxy { backend_batch_strategy best; }",
        "backend_batch_strategy: \"best\" is none of turn, disabled, fixed, "
        "dynamic" },
    { "proxy { backend_flush_size 0; }",
        "backend_flush_size: \"0\" is out of bounds, at least 1" },
    { "proxy { backend_user me; }",
        "block \"proxy\": backend_user needs backend_password" },
    { "proxy { cluster_nodes_version v3; }",
        "cluster_nodes_version: \"v3\" is none of v1, v2" },
    { "proxy { slowlog_len 0; }",
        "slowlog_len: \"0\" is out of bounds, 1 to 65536" },
    { "proxy { max_request 1m; }",
        "block \"proxy\": max_request is less than max_bulk" },
    { "proxy { buffer_memory 1m; }",
        "block \"proxy\": buffer_memory is less than client_output_limit" },
    { "proxy { control_allow 10.0.0.0/33; }",
        "control_allow: \"10.0.0.0/33\" has a mask with more bits than the "
        "address" },
    { "proxy { control_allow none unix; }",
        "control_allow: \"none\" stands alone" },
    { "proxy { control_allow a.name.somewhere; }",
        "control_allow: \"a.name.somewhere\" is a name, and names cannot be "
        "looked up" },
    { "proxy { command X; }", "command takes 2 to 5 words, has 1" },
    { "proxy { command X write; }", "command: \"X\" needs FIRST [LAST [STEP]]"
                                    ", positions of its keys" },
    { "proxy { command X 1 2 3 4; }", "command: \"X\" needs FIRST [LAST "
                                      "[STEP]], positions of its keys" },
    { "proxy { command 'X Y' 1; }",
        "command: \"X Y\" is no name of a command" },
    { "proxy { command X a; }",
        "command: \"a\" is not a position, -1024 to 1024" },
    { "proxy { command X 1 5000; }",
        "command: \"5000\" is not a position, -1024 to 1024" },
    { "proxy { command X 2 1; }", "command: \"X\" needs FIRST from 1 on, LAST "
                                  "not before it, STEP from 1 on" },
    { "proxy { command X 1 2 0; }", "command: \"X\" needs FIRST from 1 on, "
                                    "LAST not before it, STEP from 1 on" },
    { "proxy { command X 0 1; }", "command: \"X\" has no first key, so LAST "
                                  "and STEP must be 0" },
    { "redis { }", "block \"redis\" has no listen, which is required" },
    { "redis { listen a:1; }", "block \"redis\": listen: \"a:1\" is a name, "
                               "an IP address is needed" },
    { "redis { listen 1.1.1.1:1 1.1.1.1:1; }",
        "block \"redis\": listen: \"1.1.1.1:1\" is named twice" },
    { "redis { maxmemory_policy lru; }",
        "maxmemory_policy: \"lru\" is none of noeviction, allkeys-lru, "
        "allkeys-lfu, allkeys-random, volatile-lru, volatile-lfu, "
        "volatile-random, volatile-ttl" },
    { "redis { set PORT 1; }",
        "set: \"PORT\" is decided by undermoond itself" },
    { "redis { set 'a b' 1; }",
        "set: \"a b\" is no name of a setting of Redis" },
    { "redis { set save; }", "set takes 2 to 64 words, has 1" },
};

START_TEST(an_error_says_what_is_wrong)
{
    um_conf_t *cf = load_env(errors[_i].text, NULL);
    const char *said = strstr(err, "f.conf:1: ");

    ck_assert_msg(cf == NULL, "%s: loads", errors[_i].text);
    ck_assert_msg(said == err, "%s", err);
    ck_assert_msg(
        strncmp(err + 10, errors[_i].said, strlen(errors[_i].said)) == 0,
        "%s is not %s", err, errors[_i].said);
}
END_TEST

START_TEST(the_defaults_are_those_of_the_design)
{
    um_conf_t *cf = load("proxy { }");
    const um_proxy_conf_t *px = proxy_of(cf);
    const um_main_conf_t *m = main_of(cf);
    struct sockaddr_in6 loop6 = { .sin6_family = AF_INET6,
        .sin6_addr = IN6ADDR_LOOPBACK_INIT };

    ck_assert_uint_ge(m->worker_processes, 1);
    ck_assert_str_eq(m->pid, "/run/undermoond/undermoond.pid");
    ck_assert_str_eq(m->error_log, "stderr");
    ck_assert_int_eq(m->error_level, UM_LOG_NOTICE);
    ck_assert_ptr_null(m->user);
    ck_assert(!m->daemon && m->env);
    ck_assert_uint_eq(m->worker_shutdown_timeout, 600000);
    ck_assert_uint_eq(m->worker_watchdog, 5000);
    ck_assert_uint_eq(m->worker_rlimit_nofile, 0);

    ck_assert_uint_eq(px->listen_count, 1);
    ck_assert_str_eq(px->listen[0].addr.text, "127.0.0.1:5299");
    ck_assert_str_eq(px->announce.text, "127.0.0.1:5299");
    ck_assert_uint_eq(px->backend_conn_num, 1);
    ck_assert_uint_eq(px->backend_timeout, 3000);
    ck_assert_uint_eq(px->control_timeout, 1500);
    ck_assert_uint_eq(px->control_allow_count, 3);
    ck_assert(um_cidr_match(
        &px->control_allow[1], (const struct sockaddr *) (void *) &loop6));
    ck_assert_uint_eq(px->max_redirections, 4);
    ck_assert(!px->active_redirection && !px->nodes_v1);
    ck_assert_int_eq(px->default_redirection.text[0], '\0');
    ck_assert_uint_eq(px->session_timeout, 0);
    ck_assert_uint_eq(px->max_clients, 10000);
    ck_assert_uint_eq(px->client_output_limit, 256u << 20);
    ck_assert_uint_eq(px->buffer_memory, 1024u << 20);
    ck_assert_uint_eq(px->big_request, 1 << 20);
    ck_assert_uint_eq(px->max_request, 1 << 30);
    ck_assert_uint_eq(px->max_bulk, 512 << 20);
    ck_assert_uint_eq(px->max_args, 1048576);
    ck_assert_uint_eq(px->private_connections, 1000);
    ck_assert_uint_eq(px->slowlog_len, 1024);
    ck_assert_int_eq(px->slowlog_log_slower_than, 50000);
    ck_assert_uint_eq(px->slowlog_sample_rate, 1);
    ck_assert_ptr_null(px->password);
    ck_assert_ptr_null(px->peer_password);
    um_conf_free(cf);
}
END_TEST

START_TEST(main_and_redis_are_stored)
{
    um_conf_t *cf = load("worker_processes 3; pid run/x.pid; daemon on;"
                         "error_log log/e.log debug; user nobody nogroup;"
                         "worker_rlimit_nofile 4096;"
                         "redis { listen 127.0.0.1:7001 unix:/tmp/r.sock;"
                         "dir data; server /bin/redis; maxmemory 1g;"
                         "maxmemory_policy allkeys-lru; password p;"
                         "stop_timeout 5s; appendonly off;"
                         "set save '' ; set rename-command FOO \"a\\\"\\n\";"
                         "}");
    const um_main_conf_t *m = main_of(cf);
    const um_redis_conf_t *r = um_conf_block(cf, "redis");

    ck_assert_uint_eq(m->worker_processes, 3);
    ck_assert_str_eq(m->pid, "/p/run/x.pid");
    ck_assert_str_eq(m->error_log, "/p/log/e.log");
    ck_assert_int_eq(m->error_level, UM_LOG_DEBUG);
    ck_assert_str_eq(m->user, "nobody");
    ck_assert_str_eq(m->group, "nogroup");
    ck_assert(m->daemon);
    ck_assert_uint_eq(m->worker_rlimit_nofile, 4096);

    ck_assert_uint_eq(r->listen_count, 2);
    ck_assert_str_eq(r->dir, "/p/data");
    ck_assert_str_eq(r->server, "/bin/redis");
    ck_assert_uint_eq(r->maxmemory, 1 << 30);
    ck_assert_str_eq(r->maxmemory_policy, "allkeys-lru");
    ck_assert_str_eq(r->password, "p");
    ck_assert_uint_eq(r->stop_timeout, 5000);
    ck_assert(!r->appendonly);
    ck_assert_uint_eq(r->set_count, 2);
    ck_assert_str_eq(r->set[0].name, "save");
    ck_assert_str_eq(r->set[0].value, "\"\"");
    ck_assert_str_eq(r->set[1].value, "\"FOO\" \"a\\\"\\x0a\"");
    ck_assert_ptr_null(proxy_of(cf));
    um_conf_free(cf);
}
END_TEST

START_TEST(a_proxy_is_stored)
{
    um_conf_t *cf = load(
        "proxy { listen unix:/x control; listen [::1]:7; listen h:8;"
        "password secret; backend_user u; backend_password b;"
        "control_allow none; max_redirections 9; cluster_nodes_version V1;"
        "backend_batch_strategy dynamic; backend_low_flush_interval 200000;"
        "default_redirection_address d:1; slowlog_log_slower_than -1;"
        "command JSON.GET 1; command JSON.MSET 1 -1 3 write;"
        "command FT.LIST 0 0 0; }");
    const um_proxy_conf_t *px = proxy_of(cf);

    ck_assert_uint_eq(px->listen_count, 3);
    ck_assert(px->listen[0].control && !px->listen[1].control);
    ck_assert_str_eq(px->announce.text, "[::1]:7");
    ck_assert_str_eq(px->password, "secret");
    ck_assert_str_eq(px->peer_password, "secret");
    ck_assert_str_eq(px->backend_user, "u");
    ck_assert_str_eq(px->backend_password, "b");
    ck_assert_uint_eq(px->control_allow_count, 0);
    ck_assert_uint_eq(px->max_redirections, 4);
    ck_assert(px->nodes_v1);
    ck_assert_uint_eq(px->backend_low_flush_interval, 200000);
    ck_assert_str_eq(px->default_redirection.text, "d:1");
    ck_assert_int_eq(px->slowlog_log_slower_than, -1);

    ck_assert_uint_eq(px->command_count, 3);
    ck_assert_str_eq(px->command[0].name, "JSON.GET");
    ck_assert_int_eq(px->command[0].first, 1);
    ck_assert_int_eq(px->command[0].last, 1);
    ck_assert_int_eq(px->command[0].step, 1);
    ck_assert(!px->command[0].write);
    ck_assert_int_eq(px->command[1].last, -1);
    ck_assert_int_eq(px->command[1].step, 3);
    ck_assert(px->command[1].write);
    ck_assert_int_eq(px->command[2].step, 0);
    um_conf_free(cf);
}
END_TEST

START_TEST(names_may_be_allowed_control)
{
    um_conf_t *cf = load("proxy { control_allow localhost 10.0.0.0/8; }");
    struct sockaddr_in loop = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const um_proxy_conf_t *px = proxy_of(cf);
    bool found = false;

    for (uint32_t i = 0; i < px->control_allow_count; i++) {
        found |= um_cidr_match(
            &px->control_allow[i], (const struct sockaddr *) (void *) &loop);
    }
    ck_assert(found);
    um_conf_free(cf);
}
END_TEST

static const struct {
    const char *text;
    const char *var;
    um_log_level_t level;
} logs[] = {
    { "", "RUST_LOG=info", UM_LOG_INFO },
    { "", "RUST_LOG=OFF", UM_LOG_ALERT },
    { "", "RUST_LOG=trace", UM_LOG_DEBUG },
    { "", "RUST_LOG=warn,undermoon=debug", UM_LOG_DEBUG },
    { "", "RUST_LOG=server_proxy=error,hyper=debug", UM_LOG_ERROR },
    { "", "RUST_LOG=nonsense", UM_LOG_NOTICE },
    { "", "RUST_LOG=", UM_LOG_NOTICE },
    { "env off; ", "RUST_LOG=info", UM_LOG_NOTICE },
    { "error_log stderr warn; ", "RUST_LOG=info", UM_LOG_WARN },
    { "error_log stderr; ", "RUST_LOG=info", UM_LOG_NOTICE },
};

START_TEST(rust_log_speaks_where_the_file_is_silent)
{
    char text[64];
    um_conf_t *cf;

    snprintf(text, sizeof(text), "%sproxy { }", logs[_i].text);
    cf = load_env(text, logs[_i].var);
    ck_assert_msg(cf != NULL, "%s", err);
    ck_assert_int_eq(main_of(cf)->error_level, logs[_i].level);
    um_conf_free(cf);
}
END_TEST

/* Names and units of the reference, dataplane.md 11. */
static const struct {
    const char *var;
    const char *dumped; /* NULL: refused */
} vars[] = {
    { "UNDERMOON_ADDRESS=0.0.0.0:1", "    listen 0.0.0.0:1;" },
    { "UNDERMOON_ANNOUNCE_ADDRESS=h:1", "    announce_address h:1;" },
    { "UNDERMOON_THREAD_NUMBER=2", "worker_processes 2;" },
    { "UNDERMOON_THREAD_NUMBER=0", NULL },
    { "UNDERMOON_BACKEND_CONN_NUM=3", "    backend_conn_num 3;" },
    { "UNDERMOON_BACKEND_BATCH_STRATEGY=fixed",
        "    backend_batch_strategy fixed;" },
    { "UNDERMOON_BACKEND_FLUSH_SIZE=9", "    backend_flush_size 9;" },
    { "UNDERMOON_BACKEND_LOW_FLUSH_INTERVAL=200000",
        "    backend_low_flush_interval 200us;" },
    { "UNDERMOON_BACKEND_HIGH_FLUSH_INTERVAL=0", NULL },
    { "UNDERMOON_SESSION_TIMEOUT=5000", "    session_timeout 5s;" },
    { "UNDERMOON_BACKEND_TIMEOUT=250", "    backend_timeout 250ms;" },
    { "UNDERMOON_PASSWORD=p w", "    password \"p w\";" },
    { "UNDERMOON_ACTIVE_REDIRECTION=true", "    active_redirection on;" },
    { "UNDERMOON_MAX_REDIRECTIONS=2", "    max_redirections 2;" },
    { "UNDERMOON_DEFAULT_REDIRECTION_ADDRESS=h:1",
        "    default_redirection_address h:1;" },
    { "UNDERMOON_CLUSTER_NODES_VERSION=v1", "    cluster_nodes_version v1;" },
    { "UNDERMOON_SLOWLOG_LEN=10", "    slowlog_len 10;" },
    { "UNDERMOON_SLOWLOG_LOG_SLOWER_THAN=20000",
        "    slowlog_log_slower_than 20ms;" },
    { "UNDERMOON_SLOWLOG_SAMPLE_RATE=0", "    slowlog_sample_rate 0;" },
};

START_TEST(variables_of_the_reference_are_known)
{
    um_conf_t *cf = load_env("proxy { }", vars[_i].var);
    um_sbuf_t out = { 0 };
    const char *name = strchr(vars[_i].var, '=');

    if (vars[_i].dumped == NULL) {
        ck_assert_ptr_null(cf);
        ck_assert(
            strncmp(err, vars[_i].var, (size_t) (name - vars[_i].var)) == 0);
        return;
    }

    ck_assert_msg(cf != NULL, "%s", err);
    um_conf_dump(cf, &out);
    ck_assert_msg(strstr(um_sbuf_cstr(&out), vars[_i].dumped) != NULL, "%s",
        um_sbuf_cstr(&out));
    um_sbuf_deinit(&out);
    um_conf_free(cf);
}
END_TEST

static Suite *
blocks_suite(void)
{
    Suite *s = suite_create("conf_blocks");
    TCase *tc = tcase_create("blocks");

    tcase_add_loop_test(tc, an_error_says_what_is_wrong, 0, um_countof(errors));
    tcase_add_test(tc, the_defaults_are_those_of_the_design);
    tcase_add_test(tc, main_and_redis_are_stored);
    tcase_add_test(tc, a_proxy_is_stored);
    tcase_add_test(tc, names_may_be_allowed_control);
    tcase_add_loop_test(
        tc, rust_log_speaks_where_the_file_is_silent, 0, um_countof(logs));
    tcase_add_loop_test(
        tc, variables_of_the_reference_are_known, 0, um_countof(vars));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    return um_check_main(blocks_suite());
}
