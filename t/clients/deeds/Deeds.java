// What the programs in Java share: words, expectations, the run.
// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Objects;

public abstract class Deeds {
    protected interface Deed {
        String done() throws Exception; // a remark, or null
    }

    protected static final String SCRIPT =
        "redis.call('SET', KEYS[1], ARGV[1]) "
            + "return redis.call('GET', KEYS[1])";

    private static final BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in));

    protected static boolean cluster;
    protected static int resp;
    protected static int port;
    protected static String prefix;
    protected static final String password = System.getenv("DEEDS_PASSWORD");

    protected static void start(String[] args) {
        cluster = args[0].equals("cluster");
        resp = Integer.parseInt(args[1]);
        port = Integer.parseInt(args[2]);
        prefix = args[3];
    }

    protected static String key(Object name) {
        return prefix + ":" + name;
    }

    protected static String tagged(Object name) {
        return "{" + prefix + "}:" + name;
    }

    protected static void say(String text) {
        System.out.println(text);
        System.out.flush();
    }

    private static String brief(Object o) {
        String s = String.valueOf(o).replaceAll("\\s+", " ");
        return s.substring(0, Math.min(s.length(), 300));
    }

    protected static void expect(Object got, Object wanted) {
        if (!Objects.equals(got, wanted)) {
            throw new IllegalStateException(
                brief(got) + " instead of " + brief(wanted));
        }
    }

    // It throws `kind`, and its message begins with the word.
    protected static void fails(Class<? extends Exception> kind, String word,
        Runnable what) {
        try {
            what.run();
        } catch (RuntimeException e) {
            if (!kind.isInstance(e)) {
                throw e;
            }
            expect(e.getMessage().split(" ")[0], word);
            return;
        }
        throw new IllegalStateException("no " + word);
    }

    protected static String sha(String script) throws Exception {
        byte[] sum = MessageDigest.getInstance("SHA-1")
            .digest(script.getBytes(StandardCharsets.UTF_8));
        return String.format("%040x", new BigInteger(1, sum));
    }

    // `first`, and so many times every byte there is.
    protected static byte[] everyByte(byte[] first, int times) {
        byte[] all = Arrays.copyOf(first, first.length + 256 * times);
        for (int i = first.length; i < all.length; i++) {
            all[i] = (byte) (i - first.length);
        }
        return all;
    }

    // Have the proxies restarted or the slots moved, then try until it goes
    // well.
    protected static String after(String change, Deed deed,
        Class<? extends Exception> kind) throws Exception {
        say(change);
        lines.readLine();
        long end = System.nanoTime() + 15_000_000_000L;
        String last = null;
        for (int failed = 0;; failed++) {
            try {
                deed.done();
                return failed == 0 ? null
                    : "after " + failed + " errors, " + last;
            } catch (RuntimeException e) {
                if (!kind.isInstance(e) || System.nanoTime() > end) {
                    throw e;
                }
                last = e.getClass().getSimpleName();
            }
            Thread.sleep(50);
        }
    }

    protected static void run(String name, Deed deed) {
        try {
            String remark = deed.done();
            say("ok " + name + (remark == null ? "" : ": " + remark));
        } catch (Exception e) {
            say("not ok " + name + ": " + brief(e));
        }
    }
}
