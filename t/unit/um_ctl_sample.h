/*
 * um_ctl_sample.h -- a broker's words about a cluster, for the tests of
 * undermoonctl: four proxies on four hosts, all is well, and one spare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_SAMPLE_H
#define UM_CTL_SAMPLE_H

/* GET metadata */
static const char dump[] =
    "{\"version\":\"mem-broker-0.2\",\"global_epoch\":9,\"clusters\":{\"c\":{"
    "\"epoch\":7,\"name\":\"c\",\"chunks\":["
    "{\"role_position\":\"Normal\",\"migrating_slots\":[[],[]],"
    "\"proxy_addresses\":[\"p1:1\",\"p2:1\"],\"hosts\":[\"h1\",\"h2\"]},"
    "{\"role_position\":\"Normal\",\"migrating_slots\":[[{\"is_migrating\":"
    "true}],[{\"is_migrating\":false}]],"
    "\"proxy_addresses\":[\"p3:1\",\"p4:1\"],\"hosts\":[\"h3\",\"h4\"]}]}},"
    "\"all_proxies\":{"
    "\"p5:1\":{\"proxy_address\":\"p5:1\",\"node_addresses\":[\"n9\",\"n10\"],"
    "\"host\":\"h5\",\"index\":0,\"cluster\":null},"
    "\"p1:1\":{\"proxy_address\":\"p1:1\",\"node_addresses\":[\"n1\",\"n2\"],"
    "\"host\":\"h1\",\"index\":0,\"cluster\":\"c\"},"
    "\"p2:1\":{\"proxy_address\":\"p2:1\",\"node_addresses\":[\"n3\",\"n4\"],"
    "\"host\":\"h2\",\"index\":0,\"cluster\":\"c\"},"
    "\"p3:1\":{\"proxy_address\":\"p3:1\",\"node_addresses\":[\"n5\",\"n6\"],"
    "\"host\":\"h3\",\"index\":0,\"cluster\":\"c\"},"
    "\"p4:1\":{\"proxy_address\":\"p4:1\",\"node_addresses\":[\"n7\",\"n8\"],"
    "\"host\":\"h4\",\"cluster\":\"c\"}},"
    "\"failed_proxies\":[],\"failures\":{\"gone:1\":{\"r\":1}},"
    "\"enable_ordered_proxy\":false}";

#define NODE(n, p, role, slots)                                                \
    "{\"address\":\"" n "\",\"proxy_address\":\"" p "\",\"slots\":[" slots     \
    "],\"repl\":{\"role\":\"" role "\",\"peers\":[]}}"
#define STAY(a, b) "{\"range_list\":[[" a "," b "]],\"tag\":\"None\"}"
#define MOVE(way, a, b)                                                        \
    "{\"range_list\":[[" a "," b "]],\"tag\":{\"" way "\":{\"epoch\":7,"       \
    "\"src_proxy_address\":\"p3:1\",\"src_node_address\":\"n5\","              \
    "\"dst_proxy_address\":\"p1:1\",\"dst_node_address\":\"n1\"}}}"

/* GET clusters/meta, without what is around it */
static const char view[] = "{\"name\":\"c\",\"epoch\":7,\"nodes\":["
    /* the first chunk */
    NODE("n1", "p1:1", "master", STAY("0", "4095")) "," NODE(
        "n2", "p1:1", "replica", "") "," NODE("n3", "p2:1", "master",
        STAY("4096", "8191")) "," NODE("n4", "p2:1", "replica", "") ","
    /* and the second */
    NODE("n5", "p3:1", "master", STAY("8192", "12287")) "," NODE(
        "n6", "p3:1", "replica", "") "," NODE("n7", "p4:1", "master",
        STAY("12288", "16383")) "," NODE("n8", "p4:1", "replica", "") "]}";

#endif /* UM_CTL_SAMPLE_H */
