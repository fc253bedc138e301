<?php
// The deeds, by phpredis: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

[, $mode, $resp, $port, $prefix] = $argv;
$cluster = $mode === 'cluster';
$password = getenv('DEEDS_PASSWORD') ?: null;

class Skip extends Exception {}

function say(string $text): void
{
    fwrite(STDOUT, "$text\n");
}

function key_of($name): string
{
    global $prefix;
    return "$prefix:$name";
}

function expect($got, $wanted): void
{
    if ($got !== $wanted) {
        throw new Exception(substr(var_export($got, true), 0, 200)
            . ' instead of ' . substr(var_export($wanted, true), 0, 200));
    }
}

$connect = fn () => $cluster
    ? new RedisCluster(null, ["127.0.0.1:$port"], 40, 40, false,
        $password)
    : (function () use ($port, $password) {
        $c = new Redis();
        $c->connect('127.0.0.1', (int) $port, 40, null, 0, 40);
        if ($password !== null) {
            $c->auth($password);
        }
        return $c;
    })();

$script = "redis.call('SET', KEYS[1], ARGV[1]) "
    . "return redis.call('GET', KEYS[1])";

$strings = function () use (&$c) {
    for ($i = 0; $i < 100; $i++) {
        expect($c->set(key_of($i), $i), true);
    }
    for ($i = 0; $i < 100; $i++) {
        expect($c->get(key_of($i)), (string) $i);
    }
    expect($c->get(key_of('none')), false);
};

// Have the proxies restarted or the slots moved, then try until it goes well.
$after = function (string $change) use ($strings) {
    say($change);
    fgets(STDIN);
    $failed = [];
    for ($end = microtime(true) + 15; ; usleep(50000)) {
        try {
            $strings();
            break;
        } catch (Exception $e) {
            $failed[] = $e->getMessage();
            if (microtime(true) > $end) {
                throw $e;
            }
        }
    }
    return $failed
        ? 'after ' . count($failed) . ' errors, ' . end($failed) : null;
};

$deeds = [
    'discovery' => function () use (&$c, $cluster) {
        if ($cluster) {
            expect(count($c->_masters()), 3);
            foreach ($c->_masters() as $master) {
                expect($c->ping($master), true);
            }
        } else {
            expect($c->ping(), true);
        }
    },

    'strings' => $strings,

    'pipeline' => function () use (&$c, $cluster) {
        if ($cluster) {
            throw new Skip('RedisCluster has none');
        }
        $p = $c->multi(Redis::PIPELINE);
        for ($i = 0; $i < 5000; $i++) {
            $p->set(key_of("p$i"), $i);
        }
        for ($i = 0; $i < 5000; $i++) {
            $p->incr(key_of("p$i"));
        }
        expect($p->exec(),
            array_merge(array_fill(0, 5000, true), range(1, 5000)));
    },

    'same-slot' => function () use (&$c, $prefix) {
        $pairs = [];
        for ($i = 0; $i < 50; $i++) {
            $pairs["{{$prefix}}:$i"] = "v$i";
        }
        expect($c->mset($pairs), true);
        expect($c->mget(array_keys($pairs)), array_values($pairs));
    },

    'eval' => function () use (&$c, $script) {
        expect($c->eval($script, [key_of('e'), 'one'], 1), 'one');
    },

    'evalsha' => function () use (&$c, $script) {
        expect($c->evalSha(sha1($script), [key_of('e'), 'two'], 1), 'two');
        $c->clearLastError();
        expect($c->evalSha(str_repeat('0', 40), [key_of('e'), 'x'], 1), false);
        expect(explode(' ', $c->getLastError())[0], 'NOSCRIPT');
    },

    'streams' => function () use (&$c) {
        $s = key_of('s');
        $want = [];
        for ($i = 0; $i < 3; $i++) {
            $want[$c->xAdd($s, '*', ['n' => $i])] = ['n' => (string) $i];
        }
        expect($c->xGroup('CREATE', $s, 'g', '0'), true);
        expect($c->xReadGroup('g', 'me', [$s => '>'], 10), [$s => $want]);
        expect($c->xPending($s, 'g')[0], 3);
        expect($c->xAck($s, 'g', array_keys($want)), 3);
        expect($c->xPending($s, 'g')[0], 0);
    },

    'binary' => function () use (&$c, $prefix) {
        $odd = $prefix . implode('', array_map('chr', range(0, 255)));
        expect($c->set($odd, strrev($odd)), true);
        expect($c->get($odd) === strrev($odd), true);
    },

    'big' => function () use (&$c) {
        $value = str_repeat(implode('', array_map('chr', range(0, 255))),
            5 * 4096);
        expect($c->set(key_of('big'), $value), true);
        expect($c->get(key_of('big')) === $value, true);
    },

    'errors' => function () use (&$c) {
        $c->rPush(key_of('l'), 'x');
        $c->clearLastError();
        expect($c->get(key_of('l')), false);
        expect(explode(' ', $c->getLastError())[0], 'WRONGTYPE');
        expect($c->lLen(key_of('l')), 1);
    },

    'setinfo' => function () {
        throw new Skip('it does not say it');
    },

    'blpop' => function () use (&$c) {
        say('block list ' . key_of('q'));
        expect($c->blPop([key_of('q')], 30), [key_of('q'), 'pushed']);
        expect($c->brPop([key_of('q')], 1), []);
    },

    'xread' => function () use (&$c) {
        say('block stream ' . key_of('sb'));
        $got = $c->xRead([key_of('sb') => '$'], 1, 30000);
        expect(array_values($got[key_of('sb')]), [['f' => 'pushed']]);
    },

    'reconnect' => fn () => $after('restart'),
    'moved' => fn () => $after('move'),
];

say('version ' . phpversion('redis'));
$c = $connect();
foreach ($deeds as $name => $deed) {
    try {
        $remark = $deed();
        say($remark ? "ok $name: $remark" : "ok $name");
    } catch (Skip $e) {
        say("skip $name: " . $e->getMessage());
    } catch (Throwable $e) {
        $text = preg_replace('/\s+/', ' ', $e->getMessage());
        say("not ok $name: " . substr($text, 0, 500));
    }
}
