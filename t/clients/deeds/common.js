// What the programs in JavaScript share: words, expectations, the run.
// SPDX-License-Identifier: Apache-2.0

'use strict';

const assert = require('assert');
const readline = require('readline');

const [mode, resp, port, prefix] = process.argv.slice(2);
const lines = readline.createInterface({ input: process.stdin });

exports.cluster = mode === 'cluster';
exports.resp = Number(resp);
exports.port = Number(port);
exports.patience = 40000; // ms; the machine may be busy
exports.password = process.env.DEEDS_PASSWORD;
exports.key = (name) => `${prefix}:${name}`;
exports.tagged = (name) => `{${prefix}}:${name}`;
exports.script = "redis.call('SET', KEYS[1], ARGV[1]) " +
    "return redis.call('GET', KEYS[1])";

class Skip extends Error {}
exports.skip = (why) => { throw new Skip(why); };

exports.expect = (got, wanted) => assert.deepStrictEqual(got, wanted);

exports.fails = async (promise, word) => {
    try {
        await promise;
    } catch (e) {
        assert.strictEqual(e.message.split(' ')[0], word);
        return;
    }
    throw new Error(`no ${word}`);
};

const say = exports.say = (text) => process.stdout.write(text + '\n');

exports.range = (n) => [...Array(n).keys()];

// Every byte there is, and the same backwards.
exports.odd = Buffer.from([...Buffer.from(prefix), ...exports.range(256)]);
exports.even = Buffer.from([...exports.odd].reverse());
exports.big = Buffer.alloc(5 * 1024 * 1024, Buffer.from(exports.range(256)));

// Have the proxies restarted or the slots moved, then try until it goes well:
// what went wrong before.
exports.after = async (change, deed) => {
    const failed = [];
    const changed = new Promise((done) => lines.once('line', done));
    say(change);
    await changed;

    for (const end = Date.now() + 15000; ;) {
        try {
            await deed();
            return failed.length
                ? `after ${failed.length} errors, ${failed.pop()}` : undefined;
        } catch (e) {
            failed.push(e.message);
            if (Date.now() > end) {
                throw e;
            }
        }
        await new Promise((done) => setTimeout(done, 50));
    }
};

exports.run = async (deeds) => {
    for (const [name, deed] of Object.entries(deeds)) {
        if (name === 'resp3' && exports.resp !== 3) {
            continue;
        }
        try {
            const remark = await deed();
            say(remark ? `ok ${name}: ${remark}` : `ok ${name}`);
        } catch (e) {
            const [how, text] = e instanceof Skip ? ['skip', e.message]
                : ['not ok', `${e.constructor.name} ${e.message}`];
            say(`${how} ${name}: ${text.replace(/\s+/g, ' ').slice(0, 500)}`);
        }
    }
    process.exit(0);
};
