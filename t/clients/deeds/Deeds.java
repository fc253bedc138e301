// The deeds, by Jedis: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

public class Deeds {
    private interface Deed {
        String done() throws Exception;
    }

    private static final String SCRIPT =
        "redis.call('SET', KEYS[1], ARGV[1]) "
            + "return redis.call('GET', KEYS[1])";

    private static String prefix;
    private static boolean cluster;
    private static UnifiedJedis c;

    private static String key(Object name) {
        return prefix + ":" + name;
    }

    private static String tagged(Object name) {
        return "{" + prefix + "}:" + name;
    }

    private static void say(String text) {
        System.out.println(text);
        System.out.flush();
    }

    private static String brief(Object o) {
        String s = String.valueOf(o).replaceAll("\\s+", " ");
        return s.substring(0, Math.min(s.length(), 300));
    }

    private static void expect(Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new IllegalStateException(
                brief(got) + " instead of " + brief(wanted));
        }
    }

    private static void fails(Runnable what, String word) {
        try {
            what.run();
        } catch (JedisDataException e) {
            expect(e.getMessage().split(" ")[0], word);
            return;
        }
        throw new IllegalStateException("no " + word);
    }

    private static UnifiedJedis connect(int resp, int port) {
        HostAndPort at = new HostAndPort("127.0.0.1", port);
        JedisClientConfig how = DefaultJedisClientConfig.builder()
            .protocol(resp == 3 ? RedisProtocol.RESP3 : RedisProtocol.RESP2)
            .password(System.getenv("DEEDS_PASSWORD"))
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
        byte[] sum = MessageDigest.getInstance("SHA-1")
            .digest(SCRIPT.getBytes(StandardCharsets.UTF_8));
        String sha = String.format("%040x", new BigInteger(1, sum));
        List<String> keys = List.of(key("e"));
        expect(c.evalsha(sha, keys, List.of("two")), "two");
        fails(() -> c.evalsha("0".repeat(40), keys, List.of("x")), "NOSCRIPT");
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

    private static byte[] everyByte(byte[] first, int times) {
        byte[] all = Arrays.copyOf(first, first.length + 256 * times);
        for (int i = first.length; i < all.length; i++) {
            all[i] = (byte) (i - first.length);
        }
        return all;
    }

    private static String bytes(byte[] key, byte[] value) {
        expect(c.set(key, value), "OK");
        expect(Arrays.equals(c.get(key), value), true);
        return null;
    }

    private static String wrong() {
        c.rpush(key("l"), "x");
        fails(() -> c.get(key("l")), "WRONGTYPE");
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
        say("restart");
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        long end = System.nanoTime() + 15_000_000_000L;
        String last = null;
        for (int failed = 0;; failed++) {
            try {
                strings();
                return failed == 0 ? null
                    : "after " + failed + " errors, " + last;
            } catch (JedisException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                last = e.getClass().getSimpleName();
            }
            Thread.sleep(50);
        }
    }

    private static void run(String name, Deed deed) {
        try {
            String remark = deed.done();
            say("ok " + name + (remark == null ? "" : ": " + remark));
        } catch (Exception e) {
            say("not ok " + name + ": " + brief(e));
        }
    }

    public static void main(String[] args) {
        int resp = Integer.parseInt(args[1]);
        cluster = args[0].equals("cluster");
        prefix = args[3];
        byte[] odd = everyByte(prefix.getBytes(StandardCharsets.UTF_8), 1);

        c = connect(resp, Integer.parseInt(args[2]));
        run("discovery", Deeds::discovery);
        run("strings", Deeds::strings);
        run("pipeline", Deeds::pipeline);
        run("same-slot", Deeds::sameSlot);
        run("eval", Deeds::byEval);
        run("evalsha", Deeds::byEvalsha);
        run("streams", Deeds::streams);
        run("binary", () -> bytes(odd, odd));
        run("big", () -> bytes(key("big").getBytes(StandardCharsets.UTF_8),
            everyByte(new byte[0], 5 * 4096)));
        run("errors", Deeds::wrong);
        run("setinfo", Deeds::setinfo);
        if (resp == 3) {
            run("resp3", Deeds::resp3);
        }
        run("blpop", Deeds::blpop);
        run("xread", Deeds::xread);
        run("reconnect", Deeds::reconnect);
        System.exit(0);
    }
}
