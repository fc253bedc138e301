// The deeds, by redis-rs: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

use std::fmt::Debug;
use std::time::{Duration, Instant};

use redis::cluster::{cluster_pipe, ClusterClient, ClusterConnection};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{
    Commands, Connection, ConnectionLike, ProtocolVersion, RedisError,
    RedisResult, Value,
};

const SCRIPT: &str =
    "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])";

type Done = Result<Option<String>, Box<dyn std::error::Error>>;

// The part of an address that says the password, if there is one.
fn auth() -> String {
    std::env::var("DEEDS_PASSWORD").map_or(String::new(), |p| format!(":{p}@"))
}

fn expect<T: PartialEq + Debug>(got: T, wanted: T) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!(
        "{:.200} instead of {:.200}",
        format!("{got:?}"),
        format!("{wanted:?}")
    ))
}

fn fails<T>(got: RedisResult<T>, word: &str) -> Result<(), String> {
    match got {
        Ok(_) => Err(format!("no {word}")),
        Err(e) => expect(e.code(), Some(word)),
    }
}

// What differs between a cluster client and a plain one.
trait Way: Sized {
    type Con: ConnectionLike;
    const CLUSTER: bool;
    fn connect(resp: ProtocolVersion, port: &str) -> RedisResult<Self::Con>;
    // 5,000 SET and 5,000 INCR in one pipeline.
    fn pipeline(c: &mut Self::Con, keys: &[String]) -> RedisResult<Vec<Value>>;
}

struct Plain;
struct Cluster;

impl Way for Plain {
    type Con = Connection;
    const CLUSTER: bool = false;

    fn connect(resp: ProtocolVersion, port: &str) -> RedisResult<Connection> {
        let n = if resp == ProtocolVersion::RESP3 { 3 } else { 2 };
        redis::Client::open(format!(
            "redis://{}127.0.0.1:{port}/?protocol={n}",
            auth()
        ))?
        .get_connection()
    }

    fn pipeline(
        c: &mut Connection,
        keys: &[String],
    ) -> RedisResult<Vec<Value>> {
        let mut p = redis::pipe();
        for (i, k) in keys.iter().enumerate() {
            p.set(k, i);
        }
        for k in keys {
            p.incr(k, 1);
        }
        p.query(c)
    }
}

impl Way for Cluster {
    type Con = ClusterConnection;
    const CLUSTER: bool = true;

    fn connect(
        resp: ProtocolVersion,
        port: &str,
    ) -> RedisResult<ClusterConnection> {
        let seed = format!("redis://{}127.0.0.1:{port}", auth());
        ClusterClient::builder(vec![seed])
            .use_protocol(resp)
            .connection_timeout(Duration::from_secs(40))
            .response_timeout(Duration::from_secs(40))
            .build()?
            .get_connection()
    }

    fn pipeline(
        c: &mut ClusterConnection,
        keys: &[String],
    ) -> RedisResult<Vec<Value>> {
        let mut p = cluster_pipe();
        for (i, k) in keys.iter().enumerate() {
            p.set(k, i);
        }
        for k in keys {
            p.incr(k, 1);
        }
        p.query(c)
    }
}

struct Deeds<W: Way> {
    c: W::Con,
    resp: ProtocolVersion,
    port: String,
    prefix: String,
}

impl<W: Way> Deeds<W> {
    fn key(&self, name: impl ToString) -> String {
        format!("{}:{}", self.prefix, name.to_string())
    }

    fn discovery(&mut self) -> Done {
        expect(self.c.check_connection(), true)?;
        if W::CLUSTER {
            let slots: Vec<Value> =
                redis::cmd("CLUSTER").arg("SLOTS").query(&mut self.c)?;
            expect(slots.len(), 3)?;
        }
        Ok(None)
    }

    fn strings(&mut self) -> Done {
        for i in 0..100 {
            let k = self.key(i);
            self.c.set::<_, _, ()>(k, i)?;
        }
        for i in 0..100 {
            let k = self.key(i);
            expect(self.c.get::<_, i64>(k)?, i)?;
        }
        let k = self.key("none");
        expect(self.c.get::<_, Option<String>>(k)?, None)?;
        Ok(None)
    }

    fn pipeline(&mut self) -> Done {
        let keys: Vec<String> =
            (0..5000).map(|i| self.key(format!("p{i}"))).collect();
        let mut wanted = vec![Value::Okay; 5000];
        wanted.extend((1..=5000).map(Value::Int));
        expect(W::pipeline(&mut self.c, &keys)?, wanted)?;
        Ok(None)
    }

    fn same_slot(&mut self) -> Done {
        let pairs: Vec<(String, String)> = (0..50)
            .map(|i| (format!("{{{}}}:{i}", self.prefix), format!("v{i}")))
            .collect();
        let (keys, values): (Vec<String>, Vec<String>) =
            pairs.iter().cloned().unzip();
        self.c.mset::<_, _, ()>(&pairs)?;
        expect(self.c.mget::<_, Vec<String>>(&keys)?, values)?;
        Ok(None)
    }

    fn eval(&mut self) -> Done {
        let k = self.key("e");
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(SCRIPT).arg(1).arg(k).arg("one");
        expect(cmd.query::<String>(&mut self.c)?, "one".into())?;
        Ok(None)
    }

    fn evalsha(&mut self) -> Done {
        let k = self.key("e");
        let sha = redis::Script::new(SCRIPT).get_hash().to_string();
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(sha).arg(1).arg(&k).arg("two");
        expect(cmd.query::<String>(&mut self.c)?, "two".into())?;
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg("0".repeat(40)).arg(1).arg(&k).arg("x");
        fails(cmd.query::<String>(&mut self.c), "NOSCRIPT")?;
        Ok(None)
    }

    fn streams(&mut self) -> Done {
        let s = self.key("s");
        let mut ids: Vec<String> = Vec::new();
        for i in 0..3 {
            let id: Option<String> = self.c.xadd(&s, "*", &[("n", i)])?;
            ids.extend(id);
        }
        self.c.xgroup_create::<_, _, _, ()>(&s, "g", "0")?;
        let how = StreamReadOptions::default().group("g", "me").count(10);
        let got: Option<StreamReadReply> =
            self.c.xread_options(&[&s], &[">"], &how)?;
        let got = got.ok_or("nothing read")?;
        expect(&got.keys[0].key, &s)?;
        for (i, entry) in got.keys[0].ids.iter().enumerate() {
            expect(&entry.id, &ids[i])?;
            expect(entry.get::<usize>("n"), Some(i))?;
        }
        expect(self.pending(&s)?, 3)?;
        expect(self.c.xack::<_, _, _, i64>(&s, "g", &ids)?, 3)?;
        expect(self.pending(&s)?, 0)?;
        Ok(None)
    }

    fn pending(&mut self, s: &str) -> RedisResult<i64> {
        let mut cmd = redis::cmd("XPENDING");
        cmd.arg(s).arg("g");
        Ok(cmd.query::<(i64, Value, Value, Value)>(&mut self.c)?.0)
    }

    fn bytes(&mut self, key: Vec<u8>, value: Vec<u8>) -> Done {
        self.c.set::<_, _, ()>(&key, &value)?;
        expect(self.c.get::<_, Vec<u8>>(&key)? == value, true)?;
        Ok(None)
    }

    fn errors(&mut self) -> Done {
        let k = self.key("l");
        self.c.rpush::<_, _, i64>(&k, "x")?;
        fails(self.c.get::<_, String>(&k), "WRONGTYPE")?;
        expect(self.c.llen::<_, i64>(&k)?, 1)?;
        Ok(None)
    }

    fn setinfo(&mut self) -> Done {
        if W::CLUSTER {
            return Err("skip: it knows no node for CLIENT INFO".into());
        }
        let text: String =
            redis::cmd("CLIENT").arg("INFO").query(&mut self.c)?;
        expect(text.contains("lib-name=redis-rs"), true)?;
        Ok(None)
    }

    fn resp3(&mut self) -> Done {
        let (h, z, s) = (self.key("h"), self.key("z"), self.key("set"));
        self.c.hset::<_, _, _, ()>(&h, "a", "1")?;
        self.c.zadd::<_, _, _, ()>(&z, "m", 1.5)?;
        self.c.sadd::<_, _, ()>(&s, "x")?;
        let text = |s: &str| Value::BulkString(s.into());
        let map: Value = redis::cmd("HGETALL").arg(&h).query(&mut self.c)?;
        expect(map, Value::Map(vec![(text("a"), text("1"))]))?;
        let score: Value =
            redis::cmd("ZSCORE").arg(&z).arg("m").query(&mut self.c)?;
        expect(score, Value::Double(1.5))?;
        let set: Value = redis::cmd("SMEMBERS").arg(&s).query(&mut self.c)?;
        expect(set, Value::Set(vec![text("x")]))?;
        Ok(None)
    }

    fn blpop(&mut self) -> Done {
        let k = self.key("q");
        println!("block list {k}");
        let got: Option<(String, String)> = self.c.blpop(&k, 30.0)?;
        expect(got, Some((k.clone(), "pushed".into())))?;
        expect(self.c.brpop::<_, Option<(String, String)>>(&k, 0.1)?, None)?;
        Ok(None)
    }

    fn xread(&mut self) -> Done {
        let k = self.key("sb");
        println!("block stream {k}");
        let how = StreamReadOptions::default().block(30000);
        let got: Option<StreamReadReply> =
            self.c.xread_options(&[&k], &["$"], &how)?;
        let got = got.ok_or("nothing read")?;
        expect(got.keys[0].ids[0].get::<String>("f"), Some("pushed".into()))?;
        Ok(None)
    }

    // Have the proxies restarted or the slots moved, then try until it goes
    // well.  A plain connection of redis-rs stays broken: its owner makes
    // another.
    fn after(&mut self, change: &str) -> Done {
        println!("{change}");
        std::io::stdin().read_line(&mut String::new())?;
        let end = Instant::now() + Duration::from_secs(15);
        let (mut failed, mut last) = (0, String::new());
        loop {
            match self.strings() {
                Ok(_) if failed == 0 => return Ok(None),
                Ok(_) => {
                    return Ok(Some(format!("after {failed} errors, {last}")))
                }
                Err(e) if Instant::now() > end => return Err(e),
                Err(e) => {
                    failed += 1;
                    last = e.to_string();
                    let lost = e
                        .downcast_ref::<RedisError>()
                        .is_some_and(|e| e.is_io_error());
                    if lost && !W::CLUSTER {
                        if let Ok(c) = W::connect(self.resp, &self.port) {
                            self.c = c;
                        }
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn deed(&mut self, name: &str) -> Done {
        let every: Vec<u8> = (0..=255).collect();
        match name {
            "discovery" => self.discovery(),
            "strings" => self.strings(),
            "pipeline" => self.pipeline(),
            "same-slot" => self.same_slot(),
            "eval" => self.eval(),
            "evalsha" => self.evalsha(),
            "streams" => self.streams(),
            "binary" => {
                let odd = [self.prefix.as_bytes(), &every[..]].concat();
                self.bytes(odd.clone(), odd)
            }
            "big" => {
                self.bytes(self.key("big").into_bytes(), every.repeat(5 * 4096))
            }
            "errors" => self.errors(),
            "setinfo" => self.setinfo(),
            "resp3" => self.resp3(),
            "blpop" => self.blpop(),
            "xread" => self.xread(),
            "reconnect" => self.after("restart"),
            _ => self.after("move"),
        }
    }

    fn run(resp: ProtocolVersion, port: &str, prefix: &str) -> RedisResult<()> {
        let c = W::connect(resp, port)?;
        let mut me = Deeds::<W> {
            c,
            resp,
            port: port.into(),
            prefix: prefix.into(),
        };
        let names = "discovery strings pipeline same-slot eval evalsha \
            streams binary big errors setinfo resp3 blpop xread reconnect \
            moved";

        for name in names.split_whitespace() {
            if name == "resp3" && resp != ProtocolVersion::RESP3 {
                continue;
            }
            match me.deed(name) {
                Ok(None) => println!("ok {name}"),
                Ok(Some(remark)) => {
                    println!("ok {name}: {}", one_line(&remark))
                }
                Err(e) => match e.to_string().strip_prefix("skip: ") {
                    Some(why) => println!("skip {name}: {why}"),
                    None => {
                        println!("not ok {name}: {}", one_line(&e.to_string()))
                    }
                },
            }
        }
        Ok(())
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(500).collect()
}

fn main() -> RedisResult<()> {
    let args: Vec<String> = std::env::args().collect();
    let resp = match args[2].as_str() {
        "3" => ProtocolVersion::RESP3,
        _ => ProtocolVersion::RESP2,
    };

    match args[1].as_str() {
        "cluster" => Deeds::<Cluster>::run(resp, &args[3], &args[4]),
        _ => Deeds::<Plain>::run(resp, &args[3], &args[4]),
    }
}
