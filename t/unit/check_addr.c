/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_addr.h"
#include "core/um_str.h"
#include "um_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const struct {
    const char *text;
    const char *wrong; /* NULL: it is an address */
    um_addr_kind_t kind;
    const char *host;
    uint16_t port;
} addrs[] = {
    { "127.0.0.1:5299", NULL, UM_ADDR_IP, "127.0.0.1", 5299 },
    { "[::1]:6379", NULL, UM_ADDR_IP, "::1", 6379 },
    { "redis-1.example:65535", NULL, UM_ADDR_NAME, "redis-1.example", 65535 },
    { "redis_node:1", NULL, UM_ADDR_NAME, "redis_node", 1 },
    { "1.2.3:4", NULL, UM_ADDR_NAME, "1.2.3", 4 },
    { "unix:/run/r.sock", NULL, UM_ADDR_UNIX, "", 0 },
    { "", "is empty", 0, NULL, 0 },
    { "host", "has no port", 0, NULL, 0 },
    { "[::1]", "has no port", 0, NULL, 0 },
    { "h:", "has a port that is not a number from 1 to 65535", 0, NULL, 0 },
    { "h:0", "has a port that is not a number from 1 to 65535", 0, NULL, 0 },
    { "h:65536", "has a port that is not a number from 1 to 65535", 0, NULL,
        0 },
    { "h:6e3", "has a port that is not a number from 1 to 65535", 0, NULL, 0 },
    { ":6379", "has no host", 0, NULL, 0 },
    { "[]:6379", "has no host", 0, NULL, 0 },
    { "[host]:6379", "has brackets around what is no IPv6 address", 0, NULL,
        0 },
    { "::1:6379", "has an IPv6 address without brackets", 0, NULL, 0 },
    { "a b:6379", "has a character that no host name has", 0, NULL, 0 },
    { "unix:", "has no path", 0, NULL, 0 },
};

START_TEST(addresses_parse_or_say_what_is_wrong)
{
    um_addr_t a;
    const char *wrong = um_addr_parse(&a, um_str_of(addrs[_i].text));

    if (addrs[_i].wrong != NULL) {
        ck_assert_pstr_eq(wrong, addrs[_i].wrong);
        return;
    }

    ck_assert_pstr_eq(wrong, NULL);
    ck_assert_int_eq(a.kind, addrs[_i].kind);
    ck_assert_str_eq(a.host, addrs[_i].host);
    ck_assert_uint_eq(a.port, addrs[_i].port);
    ck_assert_str_eq(a.text, addrs[_i].text);

    if (a.kind != UM_ADDR_NAME) {
        char out[128];

        um_addr_format((struct sockaddr *) &a.sa, a.sa_len, out, sizeof(out));
        ck_assert_str_eq(out, addrs[_i].text);
    }
}
END_TEST

START_TEST(names_have_253_characters_and_paths_107)
{
    char text[400];
    um_addr_t a;

    memset(text, 'a', sizeof(text));
    memcpy(text + 253, ":65535", 6);
    ck_assert_pstr_eq(um_addr_parse(&a, (um_str_t){ text, 259 }), NULL);
    ck_assert_uint_eq(a.host_len, 253);
    ck_assert_uint_eq(strlen(a.host), 253);

    memset(text, 'a', sizeof(text));
    memcpy(text + 254, ":1", 2);
    ck_assert_pstr_eq(um_addr_parse(&a, (um_str_t){ text, 256 }),
        "has a host name of more than 253 characters");
    ck_assert_pstr_eq(
        um_addr_parse(&a, (um_str_t){ text, 264 }), "is too long");

    memset(text, 'a', sizeof(text));
    memcpy(text, "unix:", 5);
    ck_assert_pstr_eq(um_addr_parse(&a, (um_str_t){ text, 5 + 107 }), NULL);
    ck_assert_pstr_eq(um_addr_parse(&a, (um_str_t){ text, 5 + 108 }),
        "has a path of more than 107 bytes");
}
END_TEST

START_TEST(the_nameless_end_of_a_unix_connection_prints_too)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr none = { .sa_family = AF_UNSPEC };
    char out[32];

    um_addr_format(
        (struct sockaddr *) &un, sizeof(sa_family_t), out, sizeof(out));
    ck_assert_str_eq(out, "unix:");
    um_addr_format(&none, sizeof(none), out, sizeof(out));
    ck_assert_str_eq(out, "unknown");
    um_addr_format(&none, 0, out, sizeof(out));
    ck_assert_str_eq(out, "unknown");
}
END_TEST

START_TEST(what_is_printed_fits_its_place)
{
    um_addr_t a;
    char out[8];

    memset(out, 'x', sizeof(out));
    ck_assert_pstr_eq(um_addr_parse(&a, um_lit("255.255.255.255:65535")), NULL);
    um_addr_format((struct sockaddr *) &a.sa, a.sa_len, out, 4);
    ck_assert_str_eq(out, "255");
    ck_assert_int_eq(out[4], 'x');
}
END_TEST

static const struct {
    const char *net, *addr;
    bool match;
} nets[] = {
    { "127.0.0.1", "127.0.0.1", true },
    { "127.0.0.1", "127.0.0.2", false },
    { "10.0.0.0/8", "10.255.1.2", true },
    { "10.0.0.0/8", "11.0.0.1", false },
    { "10.1.2.3/9", "10.127.0.1", true },
    { "10.1.2.3/9", "10.128.0.1", false },
    { "0.0.0.0/0", "8.8.8.8", true },
    { "0.0.0.0/0", "::1", false },
    { "fd00::/8", "fd12::1", true },
    { "fd00::/8", "fe12::1", false },
    { "::1", "::1", true },
    { "127.0.0.0/8", "::ffff:127.0.0.1", true },
    { "::ffff:10.0.0.0/104", "10.2.3.4", true },
    { "::ffff:10.0.0.0/104", "11.2.3.4", false },
    { "::/0", "fe80::1", true },
    { "unix", "unix", true },
    { "unix", "127.0.0.1", false },
    { "127.0.0.1", "unix", false },
};

START_TEST(networks_hold_their_addresses)
{
    struct sockaddr_storage ss = { 0 };
    um_cidr_t c;

    ck_assert_pstr_eq(um_cidr_parse(&c, um_str_of(nets[_i].net)), NULL);

    if (strcmp(nets[_i].addr, "unix") == 0) {
        ss.ss_family = AF_UNIX;
    } else if (strchr(nets[_i].addr, ':') != NULL) {
        ss.ss_family = AF_INET6;
        inet_pton(
            AF_INET6, nets[_i].addr, &((struct sockaddr_in6 *) &ss)->sin6_addr);
    } else {
        ss.ss_family = AF_INET;
        inet_pton(
            AF_INET, nets[_i].addr, &((struct sockaddr_in *) &ss)->sin_addr);
    }

    ck_assert_msg(um_cidr_match(&c, (struct sockaddr *) &ss) == nets[_i].match,
        "%s in %s", nets[_i].addr, nets[_i].net);
}
END_TEST

static const struct {
    const char *net, *wrong;
} bad_nets[] = {
    { "", "is no address" },
    { "host", "is no address" },
    { "10.0.0.0/33", "has a mask with more bits than the address" },
    { "::/129", "has a mask with more bits than the address" },
    { "10.0.0.0/", "has a mask that is not a number of bits" },
    { "10.0.0.0/x", "has a mask that is not a number of bits" },
    { "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
        "is no address" },
};

START_TEST(networks_say_what_is_wrong)
{
    um_cidr_t c;

    ck_assert_pstr_eq(
        um_cidr_parse(&c, um_str_of(bad_nets[_i].net)), bad_nets[_i].wrong);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("addr");
    TCase *tc = tcase_create("addr");

    tcase_add_loop_test(
        tc, addresses_parse_or_say_what_is_wrong, 0, um_countof(addrs));
    tcase_add_test(tc, names_have_253_characters_and_paths_107);
    tcase_add_test(tc, what_is_printed_fits_its_place);
    tcase_add_test(tc, the_nameless_end_of_a_unix_connection_prints_too);
    tcase_add_loop_test(tc, networks_hold_their_addresses, 0, um_countof(nets));
    tcase_add_loop_test(
        tc, networks_say_what_is_wrong, 0, um_countof(bad_nets));
    suite_add_tcase(s, tc);

    return um_check_main(s);
}
