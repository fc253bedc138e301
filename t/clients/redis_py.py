"""What an application does with redis-py's cluster client."""

# SPDX-License-Identifier: Apache-2.0

import sys

import redis
from redis.cluster import RedisCluster


def check(fact, what):
    print("ok" if fact else "not ok", what)


def main():
    c = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]))
    keys = [f"py:{i}" for i in range(100)]

    check(len(c.get_primaries()) == 3, "it finds three nodes")
    check(c.cluster_keyslot("foo") == 12182, "CLUSTER KEYSLOT")
    check(all(c.set(k, i) for i, k in enumerate(keys)), "SET everywhere")
    check([int(c.get(k)) for k in keys] == list(range(100)), "GET everywhere")
    check(c.mget_nonatomic(keys)[99] == b"99", "MGET by slots")
    check(c.mset_nonatomic({k: "x" for k in keys}), "MSET by slots")
    check(c.delete(*keys[:10]) == 10, "DEL by slots")
    check(c.exists(*keys) == 90, "EXISTS by slots")

    with c.pipeline() as p:
        for i in range(200):
            p.set(f"pipe:{i}", i)
            p.incr(f"pipe:{i}")
        said = p.execute()
    check(said[1::2] == list(range(1, 201)), "a pipeline over all nodes")

    check(c.hset("h", mapping={"a": 1, "b": 2}) == 2, "HSET")
    check(c.hgetall("h") == {b"a": b"1", b"b": b"2"}, "HGETALL")
    check(c.zadd("z", {"m": 1.5}) == 1, "ZADD")
    check(c.zscore("z", "m") == 1.5, "ZSCORE")
    check(c.rpush("{l}1", *range(5)) == 5, "RPUSH")
    check(c.lmove("{l}1", "{l}2") == b"0", "LMOVE in one slot")
    check(c.eval("return ARGV[1]", 1, "k", "v") == b"v", "EVAL")
    check(c.ping(target_nodes=RedisCluster.ALL_NODES), "PING to all")

    try:
        c.get("h")
        check(False, "WRONGTYPE is an error")
    except redis.ResponseError as e:
        check(str(e).startswith("WRONGTYPE"), "WRONGTYPE is an error")

    binary = bytes(range(256)) * 40
    check(c.set("bin", binary) and c.get("bin") == binary, "any bytes")
    check(c.expire("bin", 100) and 90 < c.ttl("bin") <= 100, "EXPIRE and TTL")


main()
