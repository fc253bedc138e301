// The deeds, by Jedis: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.params.XReadParams;

public class JedisDeeds extends Deeds {
    private static UnifiedJedis c;

    private static UnifiedJedis connect() {
        HostAndPort at = new HostAndPort("127.0.0.1", port);
        JedisClientConfig how = DefaultJedisClientConfig.builder()
            .protocol(resp == 3 ? RedisProtocol.RESP3 : RedisProtocol.RESP2)
            .password(password)
            .connectionTimeoutMillis(40000)
            .socketTimeoutMillis(40000)
            .build();

        return cluster
            ? RedisClusterClient.builder().nodes(Set.of(at)).clientConfig(how)
                .build()
            : RedisClient.builder().hostAndPort(at).clientConfig(how).build();
    }

    private static String discovery() {
        if (cluster) {
            expect(((RedisClusterClient) c).getClusterNodes().size(), 3);
        } else {
            expect(c.ping(), "PONG");
        }
        return null;
    }

    private static String strings() {
        for (int i = 0; i < 100; i++) {
            expect(c.set(key(i), "" + i), "OK");
        }
        for (int i = 0; i < 100; i++) {
            expect(c.get(key(i)), "" + i);
        }
        expect(c.get(key("none")), null);
        return null;
    }

    private static String pipeline() {
        List<redis.clients.jedis.Response<?>> said = new ArrayList<>();
        try (AbstractPipeline p = c.pipelined()) {
            for (int i = 0; i < 5000; i++) {
                said.add(p.set(key("p" + i), "" + i));
            }
            for (int i = 0; i < 5000; i++) {
                said.add(p.incr(key("p" + i)));
            }
            p.sync();
        }
        for (int i = 0; i < 5000; i++) {
            expect(said.get(i).get(), "OK");
            expect(said.get(5000 + i).get(), i + 1L);
        }
        return null;
    }

    private static String sameSlot() {
        List<String> pairs = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            keys.add(tagged(i));
            values.add("v" + i);
            pairs.addAll(List.of(tagged(i), "v" + i));
        }
        expect(c.mset(pairs.toArray(new String[0])), "OK");
        expect(c.mget(keys.toArray(new String[0])), values);
        return null;
    }

    private static String byEval() {
        expect(c.eval(SCRIPT, List.of(key("e")), List.of("one")), "one");
        return null;
    }

    private static String byEvalsha() throws Exception {
        String sha = sha(SCRIPT);
        List<String> keys = List.of(key("e"));
        expect(c.evalsha(sha, keys, List.of("two")), "two");
        fails(JedisDataException.class, "NOSCRIPT",
            () -> c.evalsha("0".repeat(40), keys, List.of("x")));
        return null;
    }

    private static String streams() {
        String s = key("s");
        StreamEntryID[] ids = new StreamEntryID[3];
        for (int i = 0; i < 3; i++) {
            ids[i] = c.xadd(s, StreamEntryID.NEW_ENTRY, Map.of("n", "" + i));
        }
        expect(c.xgroupCreate(s, "g", new StreamEntryID("0-0"), false), "OK");
        var got = c.xreadGroup("g", "me", new XReadGroupParams().count(10),
            Map.of(s, StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)).get(0);
        expect(got.getKey(), s);
        for (int i = 0; i < 3; i++) {
            expect(got.getValue().get(i).getID(), ids[i]);
            expect(got.getValue().get(i).getFields(), Map.of("n", "" + i));
        }
        expect(c.xpending(s, "g").getTotal(), 3L);
        expect(c.xack(s, "g", ids), 3L);
        expect(c.xpending(s, "g").getTotal(), 0L);
        return null;
    }

    private static String bytes(byte[] key, byte[] value) {
        expect(c.set(key, value), "OK");
        expect(Arrays.equals(c.get(key), value), true);
        return null;
    }

    private static String wrong() {
        c.rpush(key("l"), "x");
        fails(JedisDataException.class, "WRONGTYPE", () -> c.get(key("l")));
        expect(c.llen(key("l")), 1L);
        return null;
    }

    private static String setinfo() {
        Object info = cluster
            ? c.sendCommand(key(1), Protocol.Command.CLIENT, "INFO")
            : c.sendCommand(Protocol.Command.CLIENT, "INFO");
        String text = info instanceof byte[]
            ? new String((byte[]) info, StandardCharsets.UTF_8) : "" + info;
        expect(text.contains("lib-name=jedis"), true);
        return null;
    }

    private static String resp3() {
        c.hset(key("h"), "a", "1");
        c.zadd(key("z"), 1.5, "m");
        c.sadd(key("set"), "x");
        expect(c.hgetAll(key("h")), Map.of("a", "1"));
        Object score = c.sendCommand(key("z"), Protocol.Command.ZSCORE,
            key("z"), "m");
        expect(score, 1.5);
        expect(c.smembers(key("set")), Set.of("x"));
        return null;
    }

    private static String blpop() {
        say("block list " + key("q"));
        var got = c.blpop(30.0, key("q"));
        expect(List.of(got.getKey(), got.getValue()),
            List.of(key("q"), "pushed"));
        expect(c.brpop(0.1, key("q")), null);
        return null;
    }

    private static String xread() {
        say("block stream " + key("sb"));
        var got = c.xread(new XReadParams().block(30000),
            Map.of(key("sb"), new StreamEntryID() {
                @Override
                public String toString() {
                    return "$";
                }
            }));
        expect(got.get(0).getValue().get(0).getFields(),
            Map.of("f", "pushed"));
        return null;
    }

    private static String reconnect() throws Exception {
        return after("restart", JedisDeeds::strings, JedisException.class);
    }

    private static String moved() throws Exception {
        return after("move", JedisDeeds::strings, JedisException.class);
    }

    public static void main(String[] args) {
        start(args);
        byte[] odd = everyByte(prefix.getBytes(StandardCharsets.UTF_8), 1);

        c = connect();
        run("discovery", JedisDeeds::discovery);
        run("strings", JedisDeeds::strings);
        run("pipeline", JedisDeeds::pipeline);
        run("same-slot", JedisDeeds::sameSlot);
        run("eval", JedisDeeds::byEval);
        run("evalsha", JedisDeeds::byEvalsha);
        run("streams", JedisDeeds::streams);
        run("binary", () -> bytes(odd, odd));
        run("big", () -> bytes(key("big").getBytes(StandardCharsets.UTF_8),
            everyByte(new byte[0], 5 * 4096)));
        run("errors", JedisDeeds::wrong);
        run("setinfo", JedisDeeds::setinfo);
        if (resp == 3) {
            run("resp3", JedisDeeds::resp3);
        }
        run("blpop", JedisDeeds::blpop);
        run("xread", JedisDeeds::xread);
        run("reconnect", JedisDeeds::reconnect);
        run("moved", JedisDeeds::moved);
        System.exit(0);
    }
}
