// The deeds, by node-redis 4 and 5: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

'use strict';

const crypto = require('crypto');
const redis = require('redis');
const { cluster, resp, port, password, patience, key, tagged, script, expect,
    fails, range, odd, even, big, skip, say, run,
    after } = require('./common.js');

// Version 5 does not let its own package.json be seen.
const version = (() => {
    try {
        return require('redis/package.json').version;
    } catch (e) {
        return require('@redis/client/package.json').version;
    }
})();
const modern = Number(version.split('.')[0]) >= 5;

const url = `redis://127.0.0.1:${port}`;
const more = modern
    ? { RESP: resp, commandOptions: { timeout: patience } } : {};
const auth = password ? { password } : {};
const c = cluster
    ? redis.createCluster({ rootNodes: [{ url }], defaults: auth, ...more })
    : redis.createClient({ url, ...auth, ...more });
const raw = (k, ...words) =>
    cluster ? c.sendCommand(k, false, words) : c.sendCommand(words);
const plain = (value) => JSON.parse(JSON.stringify(value));

// The same client, with replies as bytes.
const bytes = () => modern
    ? c.withTypeMapping({ [redis.RESP_TYPES.BLOB_STRING]: Buffer }) : {
        get: (k) => c.get(redis.commandOptions({ returnBuffers: true }), k),
        set: (k, v) => c.set(k, v),
    };

async function strings() {
    for (const i of range(100)) {
        expect(await c.set(key(i), String(i)), 'OK');
    }
    for (const i of range(100)) {
        expect(await c.get(key(i)), String(i));
    }
    expect(await c.get(key('none')), null);
}

const deeds = {
    discovery: async () => {
        if (!cluster) {
            expect(await c.ping(), 'PONG');
            return;
        }
        const masters = c.masters ?? c.getMasters();
        expect(masters.length, 3);
        for (const i of range(16384)) {
            expect(!!(c.slots?.[i] ?? c.getSlotMaster(i)), true);
        }
    },

    strings,

    pipeline: async () => {
        const said = await Promise.all([
            ...range(5000).map((i) => c.set(key(`p${i}`), String(i))),
            ...range(5000).map((i) => c.incr(key(`p${i}`))),
        ]);
        expect(said, [...Array(5000).fill('OK'), ...range(5001).slice(1)]);
    },

    'same-slot': async () => {
        const pairs = range(50).map((i) => [tagged(i), `v${i}`]);
        expect(await c.mSet(pairs), 'OK');
        expect(await c.mGet(pairs.map((p) => p[0])), pairs.map((p) => p[1]));
    },

    eval: async () => {
        const how = { keys: [key('e')], arguments: ['one'] };
        expect(await c.eval(script, how), 'one');
    },

    evalsha: async () => {
        const sha = crypto.createHash('sha1').update(script).digest('hex');
        const how = { keys: [key('e')], arguments: ['two'] };
        expect(await c.evalSha(sha, how), 'two');
        await fails(c.evalSha('0'.repeat(40), how), 'NOSCRIPT');
    },

    streams: async () => {
        const s = key('s');
        const ids = [];
        for (const i of range(3)) {
            ids.push(await c.xAdd(s, '*', { n: String(i) }));
        }
        expect(await c.xGroupCreate(s, 'g', '0'), 'OK');
        const got = plain(await c.xReadGroup('g', 'me', { key: s, id: '>' },
            { COUNT: 10 }));
        expect(got[0].name, s);
        expect(got[0].messages.map((m) => [m.id, m.message.n]),
            ids.map((id, i) => [id, String(i)]));
        expect((await c.xPending(s, 'g')).pending, 3);
        expect(await c.xAck(s, 'g', ids), 3);
        expect((await c.xPending(s, 'g')).pending, 0);
    },

    binary: async () => {
        expect(await bytes().set(odd, even), 'OK');
        expect((await bytes().get(odd)).equals(even), true);
    },

    big: async () => {
        expect(await bytes().set(key('big'), big), 'OK');
        expect((await bytes().get(key('big'))).equals(big), true);
    },

    errors: async () => {
        await c.rPush(key('l'), 'x');
        await fails(c.get(key('l')), 'WRONGTYPE');
        expect(await c.lLen(key('l')), 1);
    },

    setinfo: async () => {
        if (!modern) {
            skip('it does not say it');
        }
        expect(/lib-name=node-redis/.test(
            await raw(key(1), 'CLIENT', 'INFO')), true);
    },

    resp3: async () => {
        await c.hSet(key('h'), 'a', '1');
        await c.zAdd(key('z'), { score: 1.5, value: 'm' });
        await c.sAdd(key('set'), 'x');
        expect(plain(await raw(key('h'), 'HGETALL', key('h'))), { a: '1' });
        expect(await raw(key('z'), 'ZSCORE', key('z'), 'm'), 1.5);
        expect(plain(await c.sMembers(key('set'))), ['x']);
    },

    blpop: async () => {
        say(`block list ${key('q')}`);
        expect(plain(await c.blPop(key('q'), 30)),
            { key: key('q'), element: 'pushed' });
        expect(await c.brPop(key('q'), 0.1), null);
    },

    xread: async () => {
        say(`block stream ${key('sb')}`);
        const got = plain(await c.xRead({ key: key('sb'), id: '$' },
            { BLOCK: 30000 }));
        expect(got[0].messages[0].message, { f: 'pushed' });
    },

    reconnect: () => after('restart', strings),
    moved: () => after('move', strings),
};

say(`version ${version}`);
c.on('error', () => {}); // while a proxy is away
c.connect().then(() => run(deeds), (e) => {
    console.error(e);
    process.exit(1);
});
