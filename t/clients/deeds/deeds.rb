# The deeds, by ruby-redis: MODE RESP PORT PREFIX.
# SPDX-License-Identifier: Apache-2.0

require 'digest'
require 'redis'

MODE, RESP, PORT, PREFIX = ARGV
CLUSTER = MODE == 'cluster'
SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) " \
         "return redis.call('GET', KEYS[1])".freeze

class Skip < StandardError; end

def say(text)
  $stdout.puts(text)
  $stdout.flush
end

def key(name)
  "#{PREFIX}:#{name}"
end

def tagged(name)
  "{#{PREFIX}}:#{name}"
end

def expect(got, wanted)
  return if got == wanted

  raise "#{got.inspect[0, 200]} instead of #{wanted.inspect[0, 200]}"
end

def fails(word)
  yield
rescue Redis::CommandError => e
  expect(e.message.split.first, word)
else
  raise "no #{word}"
end

def connect
  url = "redis://127.0.0.1:#{PORT}"
  more = { password: ENV.fetch('DEEDS_PASSWORD', nil), timeout: 40 }
  return Redis.new(url: url, **more) unless CLUSTER

  Redis.new(cluster: [url], **more)
end

def discovery(c)
  unless CLUSTER
    expect(c.ping, 'PONG')
    return
  end
  expect(c.cluster(:nodes).length, 3)
  expect(c.cluster(:slots).sum { |s| s['end_slot'] - s['start_slot'] + 1 },
         16_384)
end

def strings(c)
  100.times { |i| expect(c.set(key(i), i), 'OK') }
  100.times { |i| expect(c.get(key(i)), i.to_s) }
  expect(c.get(key('none')), nil)
end

# In a cluster its pipelines want one node.
def pipeline(c)
  said = c.pipelined do |p|
    5000.times { |i| p.set(tagged("p#{i}"), i) }
    5000.times { |i| p.incr(tagged("p#{i}")) }
  end
  expect(said, ['OK'] * 5000 + (1..5000).to_a)
end

def same_slot(c)
  pairs = (0...50).to_h { |i| [tagged(i), "v#{i}"] }
  expect(c.mapped_mset(pairs), 'OK')
  expect(c.mget(*pairs.keys), pairs.values)
end

def by_eval(c)
  expect(c.eval(SCRIPT, [key('e')], ['one']), 'one')
end

def by_evalsha(c)
  sha = Digest::SHA1.hexdigest(SCRIPT)
  expect(c.evalsha(sha, [key('e')], ['two']), 'two')
  fails('NOSCRIPT') { c.evalsha('0' * 40, [key('e')], ['x']) }
end

def streams(c)
  s = key('s')
  ids = (0...3).map { |i| c.xadd(s, { n: i }) }
  expect(c.xgroup(:create, s, 'g', '0'), 'OK')
  got = c.xreadgroup('g', 'me', s, '>', count: 10)
  wanted = ids.each_with_index.map { |id, i| [id, { 'n' => i.to_s }] }
  expect(got, { s => wanted })
  expect(c.xpending(s, 'g')['size'], 3)
  expect(c.xack(s, 'g', ids), 3)
  expect(c.xpending(s, 'g')['size'], 0)
end

def binary(c)
  odd = PREFIX.b + (0..255).to_a.pack('C*')
  expect(c.set(odd, odd.reverse), 'OK')
  expect(c.get(odd).b, odd.reverse)
end

def big(c)
  value = (0..255).to_a.pack('C*') * (5 * 4096)
  expect(c.set(key('big'), value), 'OK')
  expect(c.get(key('big')).b == value, true)
end

def errors(c)
  c.rpush(key('l'), 'x')
  fails('WRONGTYPE') { c.get(key('l')) }
  expect(c.llen(key('l')), 1)
end

def setinfo(_)
  raise Skip, 'it does not say it'
end

def blpop(c)
  say "block list #{key('q')}"
  expect(c.blpop(key('q'), timeout: 30), [key('q'), 'pushed'])
  expect(c.brpop(key('q'), timeout: 1), nil)
end

def xread(c)
  say "block stream #{key('sb')}"
  got = c.xread(key('sb'), '$', block: 30_000)
  expect(got[key('sb')][0][1], { 'f' => 'pushed' })
end

# Have the proxies restarted or the slots moved, then try until it goes well.
def after(change, c)
  say change
  $stdin.gets
  failed = []
  limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 15
  begin
    strings(c)
  rescue Redis::BaseError => e
    failed << e.class.name
    raise if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit

    sleep 0.05
    retry
  end
  "after #{failed.length} errors, #{failed.last}" unless failed.empty?
end

def reconnect(c)
  after('restart', c)
end

def moved(c)
  after('move', c)
end

say "version #{Redis::VERSION}"
c = connect
{ 'discovery' => :discovery, 'strings' => :strings, 'pipeline' => :pipeline,
  'same-slot' => :same_slot, 'eval' => :by_eval, 'evalsha' => :by_evalsha,
  'streams' => :streams, 'binary' => :binary, 'big' => :big,
  'errors' => :errors, 'setinfo' => :setinfo, 'blpop' => :blpop,
  'xread' => :xread, 'reconnect' => :reconnect,
  'moved' => :moved }.each do |name, deed|
  remark = send(deed, c)
  remark = %w[reconnect moved].include?(name) && remark ? ": #{remark}" : ''
  say "ok #{name}#{remark}"
rescue Skip => e
  say "skip #{name}: #{e.message}"
rescue StandardError => e
  say "not ok #{name}: #{e.class}: #{e.message.gsub(/\s+/, ' ')[0, 500]}"
end
