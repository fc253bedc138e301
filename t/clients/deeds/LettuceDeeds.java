// The deeds, by Lettuce: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

import io.lettuce.core.ClientOptions;
import io.lettuce.core.Consumer;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

public class LettuceDeeds extends Deeds {
    private static StatefulRedisClusterConnection<String, String> ring;
    private static RedisClusterCommands<String, String> c;
    private static RedisClusterAsyncCommands<String, String> later;
    private static RedisClusterCommands<byte[], byte[]> raw;

    private static void connect() {
        ProtocolVersion version =
            resp == 3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2;
        RedisURI.Builder uri = RedisURI.builder().withHost("127.0.0.1")
            .withPort(port).withTimeout(Duration.ofSeconds(40));
        if (password != null) {
            uri.withPassword(password.toCharArray());
        }

        if (cluster) {
            RedisClusterClient client = RedisClusterClient.create(uri.build());
            client.setOptions(ClusterClientOptions.builder()
                .protocolVersion(version).build());
            ring = client.connect();
            c = ring.sync();
            later = ring.async();
            raw = client.connect(ByteArrayCodec.INSTANCE).sync();
        } else {
            RedisClient client = RedisClient.create(uri.build());
            client.setOptions(ClientOptions.builder()
                .protocolVersion(version).build());
            var connection = client.connect();
            c = connection.sync();
            later = connection.async();
            raw = client.connect(ByteArrayCodec.INSTANCE).sync();
        }
    }

    private static String discovery() {
        expect(c.ping(), "PONG");
        if (cluster) {
            var nodes = ring.getPartitions();
            expect(nodes.size(), 3);
            for (int slot = 0; slot < 16384; slot++) {
                expect(nodes.getMasterBySlot(slot) != null, true);
            }
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

    // It pipelines by itself what nobody waits for.
    private static String pipeline() throws Exception {
        List<RedisFuture<?>> said = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            said.add(later.set(key("p" + i), "" + i));
        }
        for (int i = 0; i < 5000; i++) {
            said.add(later.incr(key("p" + i)));
        }
        expect(LettuceFutures.awaitAll(Duration.ofSeconds(40),
            said.toArray(new RedisFuture[0])), true);
        for (int i = 0; i < 5000; i++) {
            expect(said.get(i).get(), "OK");
            expect(said.get(5000 + i).get(), i + 1L);
        }
        return null;
    }

    private static String sameSlot() {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (int i = 0; i < 50; i++) {
            pairs.put(tagged(i), "v" + i);
        }
        expect(c.mset(pairs), "OK");
        expect(c.mget(pairs.keySet().toArray(new String[0])).stream()
            .map(kv -> kv.getValue()).collect(Collectors.toList()),
            new ArrayList<>(pairs.values()));
        return null;
    }

    private static String byEval() {
        expect(c.eval(SCRIPT, ScriptOutputType.VALUE,
            new String[] { key("e") }, "one"), "one");
        return null;
    }

    private static String byEvalsha() throws Exception {
        String[] keys = { key("e") };
        expect(c.evalsha(sha(SCRIPT), ScriptOutputType.VALUE, keys, "two"),
            "two");
        fails(RedisCommandExecutionException.class, "NOSCRIPT",
            () -> c.evalsha("0".repeat(40), ScriptOutputType.VALUE, keys,
                "x"));
        return null;
    }

    private static String streams() {
        String s = key("s");
        String[] ids = new String[3];
        for (int i = 0; i < 3; i++) {
            ids[i] = c.xadd(s, Map.of("n", "" + i));
        }
        expect(c.xgroupCreate(StreamOffset.from(s, "0-0"), "g"), "OK");
        List<StreamMessage<String, String>> got = c.xreadgroup(
            Consumer.from("g", "me"), XReadArgs.Builder.count(10),
            StreamOffset.lastConsumed(s));
        for (int i = 0; i < 3; i++) {
            expect(got.get(i).getId(), ids[i]);
            expect(got.get(i).getBody(), Map.of("n", "" + i));
        }
        expect(c.xpending(s, "g").getCount(), 3L);
        expect(c.xack(s, "g", ids), 3L);
        expect(c.xpending(s, "g").getCount(), 0L);
        return null;
    }

    private static String bytes(byte[] key, byte[] value) {
        expect(raw.set(key, value), "OK");
        expect(Arrays.equals(raw.get(key), value), true);
        return null;
    }

    private static String wrong() {
        c.rpush(key("l"), "x");
        fails(RedisCommandExecutionException.class, "WRONGTYPE",
            () -> c.get(key("l")));
        expect(c.llen(key("l")), 1L);
        return null;
    }

    private static String setinfo() {
        String list = cluster
            ? ring.getConnection("127.0.0.1", port).sync().clientInfo()
            : c.clientInfo();
        expect(list.toLowerCase().contains("lib-name=lettuce"), true);
        return null;
    }

    private static String resp3() {
        c.hset(key("h"), "a", "1");
        c.zadd(key("z"), 1.5, "m");
        c.sadd(key("set"), "x");
        expect(c.hgetall(key("h")), Map.of("a", "1"));
        expect(c.zscore(key("z"), "m"), 1.5);
        expect(c.smembers(key("set")), Set.of("x"));
        return null;
    }

    private static String blpop() {
        say("block list " + key("q"));
        var got = c.blpop(30, key("q"));
        expect(List.of(got.getKey(), got.getValue()),
            List.of(key("q"), "pushed"));
        expect(c.brpop(0.1, key("q")), null);
        return null;
    }

    @SuppressWarnings("unchecked")
    private static String xread() {
        say("block stream " + key("sb"));
        var got = c.xread(XReadArgs.Builder.block(30000),
            StreamOffset.latest(key("sb")));
        expect(got.get(0).getBody(), Map.of("f", "pushed"));
        return null;
    }

    private static String reconnect() throws Exception {
        return after("restart", LettuceDeeds::strings, RedisException.class);
    }

    private static String moved() throws Exception {
        return after("move", LettuceDeeds::strings, RedisException.class);
    }

    public static void main(String[] args) {
        start(args);
        byte[] odd = everyByte(prefix.getBytes(StandardCharsets.UTF_8), 1);

        connect();
        run("discovery", LettuceDeeds::discovery);
        run("strings", LettuceDeeds::strings);
        run("pipeline", LettuceDeeds::pipeline);
        run("same-slot", LettuceDeeds::sameSlot);
        run("eval", LettuceDeeds::byEval);
        run("evalsha", LettuceDeeds::byEvalsha);
        run("streams", LettuceDeeds::streams);
        run("binary", () -> bytes(odd, odd));
        run("big", () -> bytes(key("big").getBytes(StandardCharsets.UTF_8),
            everyByte(new byte[0], 5 * 4096)));
        run("errors", LettuceDeeds::wrong);
        run("setinfo", LettuceDeeds::setinfo);
        if (resp == 3) {
            run("resp3", LettuceDeeds::resp3);
        }
        run("blpop", LettuceDeeds::blpop);
        run("xread", LettuceDeeds::xread);
        run("reconnect", LettuceDeeds::reconnect);
        run("moved", LettuceDeeds::moved);
        System.exit(0);
    }
}
