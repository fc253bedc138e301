// The deeds, by ioredis: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

'use strict';

const crypto = require('crypto');
const Redis = require('ioredis');
const { cluster, port, password, patience, key, tagged, script, expect, fails,
    range, odd, even, big, skip, say, run, after } = require('./common.js');

const c = cluster
    ? new Redis.Cluster([{ host: '127.0.0.1', port }],
        { redisOptions: { password }, slotsRefreshTimeout: patience })
    : new Redis({ host: '127.0.0.1', port, password });

async function strings() {
    for (const i of range(100)) {
        expect(await c.set(key(i), i), 'OK');
    }
    for (const i of range(100)) {
        expect(await c.get(key(i)), String(i));
    }
    expect(await c.get(key('none')), null);
}

const deeds = {
    discovery: async () => {
        expect(await c.ping(), 'PONG');
        if (cluster) {
            expect(c.nodes('master').length, 3);
            expect(c.slots.filter((s) => s).length, 16384);
        }
    },

    strings,

    // Its pipelines want one node.
    pipeline: async () => {
        const p = c.pipeline();
        range(5000).forEach((i) => p.set(tagged(`p${i}`), i));
        range(5000).forEach((i) => p.incr(tagged(`p${i}`)));
        expect(await p.exec(), [
            ...range(5000).map(() => [null, 'OK']),
            ...range(5000).map((i) => [null, i + 1])]);
        const got = range(5000).map((i) => c.get(tagged(`p${i}`)));
        expect(await Promise.all(got),
            range(5000).map((i) => String(i + 1)));
    },

    'same-slot': async () => {
        const keys = range(50).map(tagged);
        expect(await c.mset(...keys.flatMap((k, i) => [k, `v${i}`])), 'OK');
        expect(await c.mget(...keys), range(50).map((i) => `v${i}`));
    },

    eval: async () => {
        expect(await c.eval(script, 1, key('e'), 'one'), 'one');
    },

    evalsha: async () => {
        const sha = crypto.createHash('sha1').update(script).digest('hex');
        expect(await c.evalsha(sha, 1, key('e'), 'two'), 'two');
        await fails(c.evalsha('0'.repeat(40), 1, key('e'), 'x'), 'NOSCRIPT');
    },

    streams: async () => {
        const s = key('s');
        const ids = [];
        for (const i of range(3)) {
            ids.push(await c.xadd(s, '*', 'n', i));
        }
        expect(await c.xgroup('CREATE', s, 'g', '0'), 'OK');
        expect(await c.xreadgroup('GROUP', 'g', 'me', 'COUNT', 10, 'STREAMS',
            s, '>'), [[s, ids.map((id, i) => [id, ['n', String(i)]])]]);
        expect((await c.xpending(s, 'g'))[0], 3);
        expect(await c.xack(s, 'g', ...ids), 3);
        expect((await c.xpending(s, 'g'))[0], 0);
    },

    binary: async () => {
        expect(await c.set(odd, even), 'OK');
        expect((await c.getBuffer(odd)).equals(even), true);
    },

    big: async () => {
        expect(await c.set(key('big'), big), 'OK');
        expect((await c.getBuffer(key('big'))).equals(big), true);
    },

    errors: async () => {
        await c.rpush(key('l'), 'x');
        await fails(c.get(key('l')), 'WRONGTYPE');
        expect(await c.llen(key('l')), 1);
    },

    setinfo: async () => {
        const node = cluster ? c.nodes('master')[0] : c;
        const info = await node.client('INFO');
        if (!/lib-name=ioredis/.test(info)) {
            skip('it does not say it');
        }
    },

    blpop: async () => {
        say(`block list ${key('q')}`);
        expect(await c.blpop(key('q'), 30), [key('q'), 'pushed']);
        expect(await c.brpop(key('q'), 0.1), null);
    },

    xread: async () => {
        say(`block stream ${key('sb')}`);
        const got = await c.xread('BLOCK', 30000, 'STREAMS', key('sb'), '$');
        expect(got[0][1][0][1], ['f', 'pushed']);
    },

    reconnect: () => after('restart', strings),
    moved: () => after('move', strings),
};

say(`version ${require('ioredis/package.json').version}`);
c.on('error', () => {}); // while a proxy is away
c.once('ready', () => run(deeds));
