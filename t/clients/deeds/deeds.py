"""The deeds, by redis-py: MODE RESP PORT PREFIX."""

# SPDX-License-Identifier: Apache-2.0

import hashlib
import os
import sys
import time

import redis
from redis.cluster import RedisCluster

MODE, RESP, PORT, PREFIX = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4]
CLUSTER = MODE == "cluster"
PASSWORD = os.environ.get("DEEDS_PASSWORD")
MODERN = int(redis.__version__.split(".")[0]) >= 5


class Skip(Exception):
    pass


def say(*words):
    print(*words, flush=True)


def key(name):
    return f"{PREFIX}:{name}"


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"{str(got)[:200]} instead of {str(wanted)[:200]}")


def connect():
    more = {"protocol": RESP} if MODERN else {}
    more.update(password=PASSWORD, socket_timeout=40)
    if CLUSTER:
        return RedisCluster(host="127.0.0.1", port=PORT, **more)
    return redis.Redis(host="127.0.0.1", port=PORT, **more)


def on(k, *words):
    """A command that names no key, at the node of k."""
    if CLUSTER:
        return c.execute_command(*words, target_nodes=c.get_node_from_key(k))
    return c.execute_command(*words)


def discovery():
    if not CLUSTER:
        expect(c.ping(), True)
        return
    expect(len(c.get_primaries()), 3)
    expect(len(c.nodes_manager.slots_cache), 16384)
    expect(c.ping(target_nodes=RedisCluster.ALL_NODES), True)


def strings():
    for i in range(100):
        expect(c.set(key(i), i), True)
    for i in range(100):
        expect(c.get(key(i)), b"%d" % i)
    expect(c.get(key("none")), None)


def pipeline():
    p = c.pipeline() if CLUSTER else c.pipeline(transaction=False)
    for i in range(5000):
        p.set(key(f"p{i}"), i)
    for i in range(5000):
        p.incr(key(f"p{i}"))
    expect(p.execute(), [True] * 5000 + list(range(1, 5001)))


def same_slot():
    pairs = {f"{{{PREFIX}}}:{i}": b"%d" % i for i in range(50)}
    expect(c.mset(pairs), True)
    expect(c.mget(list(pairs)), list(pairs.values()))


SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"


def by_eval():
    expect(c.eval(SCRIPT, 1, key("e"), "one"), b"one")


def by_evalsha():
    sha = hashlib.sha1(SCRIPT.encode()).hexdigest()
    expect(c.evalsha(sha, 1, key("e"), "two"), b"two")
    try:
        c.evalsha("0" * 40, 1, key("e"), "x")
    except redis.exceptions.NoScriptError:
        return
    raise AssertionError("no NOSCRIPT")


def streams():
    s = key("s")
    ids = [c.xadd(s, {"n": i}) for i in range(3)]
    expect(c.xgroup_create(s, "g", "0"), True)
    got = c.xreadgroup("g", "me", {s: ">"}, count=10)
    entries = got[s.encode()][0] if isinstance(got, dict) else got[0][1]
    expect([(i, f[b"n"]) for i, f in entries],
           [(ids[i], b"%d" % i) for i in range(3)])
    expect(c.xpending(s, "g")["pending"], 3)
    expect(c.xack(s, "g", *ids), 3)
    expect(c.xpending(s, "g")["pending"], 0)


def binary():
    odd = PREFIX.encode() + bytes(range(256))
    expect(c.set(odd, odd[::-1]), True)
    expect(c.get(odd), odd[::-1])


def big():
    value = bytes(range(256)) * (5 * 4096)
    expect(c.set(key("big"), value), True)
    expect(c.get(key("big")) == value, True)


def errors():
    c.rpush(key("l"), "x")
    try:
        c.get(key("l"))
    except redis.ResponseError as e:
        expect(str(e).split()[0], "WRONGTYPE")
        expect(c.llen(key("l")), 1)
        return
    raise AssertionError("no WRONGTYPE")


def setinfo():
    if not MODERN:
        raise Skip("it does not say it")
    info = on(key(1), "CLIENT", "INFO")
    text = info.decode() if isinstance(info, bytes) else str(info)
    expect("redis-py" in text, True)


def resp3():
    c.hset(key("h"), mapping={"a": "1"})
    c.zadd(key("z"), {"m": 1.5})
    c.sadd(key("set"), "x")
    raw = c.execute_command("HGETALL", key("h"))
    expect(raw, {b"a": b"1"})
    expect(c.execute_command("ZSCORE", key("z"), "m"), 1.5)
    expect(c.smembers(key("set")), {b"x"})


def blpop():
    say("block list", key("q"))
    expect(tuple(c.blpop(key("q"), timeout=30)),
           (key("q").encode(), b"pushed"))
    expect(c.brpop(key("q"), timeout=0.1), None)


def xread():
    say("block stream", key("sb"))
    got = c.xread({key("sb"): "$"}, block=30000)
    entries = got[key("sb").encode()][0] if isinstance(got, dict) else got[0][1]
    expect(entries[0][1], {b"f": b"pushed"})


def again(deed, seconds=15):
    """What went wrong before it went well."""
    failed, end = [], time.monotonic() + seconds
    while True:
        try:
            deed()
            return failed
        except redis.RedisError as e:
            failed.append(type(e).__name__)
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


def after(change):
    say(change)
    sys.stdin.readline()
    failed = again(strings)
    if failed:
        return f"after {len(failed)} errors, {failed[-1]}"
    return None


def reconnect():
    return after("restart")


def moved():
    return after("move")


def run(name, deed):
    try:
        remark = deed()
        say(f"ok {name}: {remark}" if remark else f"ok {name}")
    except Skip as e:
        say(f"skip {name}: {e}")
    except Exception as e:
        text = f"{type(e).__name__}: {e}".replace("\n", " ")
        say(f"not ok {name}: {text[:500]}")


say("version", redis.__version__)
c = connect()
for name, deed in {
    "discovery": discovery, "strings": strings, "pipeline": pipeline,
    "same-slot": same_slot, "eval": by_eval, "evalsha": by_evalsha,
    "streams": streams, "binary": binary, "big": big, "errors": errors,
    "setinfo": setinfo, **({"resp3": resp3} if RESP == 3 else {}),
    "blpop": blpop, "xread": xread, "reconnect": reconnect,
    "moved": moved,
}.items():
    run(name, deed)
