// The deeds, by go-redis: MODE RESP PORT PREFIX.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const script = "redis.call('SET', KEYS[1], ARGV[1]) " +
	"return redis.call('GET', KEYS[1])"

const patience = 40 * time.Second // the machine may be busy

var (
	ctx     = context.Background()
	c       redis.UniversalClient
	prefix  string
	cluster bool
)

func key(name any) string    { return fmt.Sprintf("%s:%v", prefix, name) }
func tagged(name any) string { return fmt.Sprintf("{%s}:%v", prefix, name) }

// Ends the deed: see run.
func expect(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		panic(fmt.Errorf("%.200v instead of %.200v", got, wanted))
	}
}

func fails(err error, word string) {
	if err == nil || !strings.HasPrefix(err.Error(), word) {
		panic(fmt.Errorf("%v instead of %s", err, word))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func discovery() {
	expect(must(c.Ping(ctx).Result()), "PONG")
	if !cluster {
		return
	}
	masters := make(chan string, 100)
	err := c.(*redis.ClusterClient).ForEachMaster(ctx,
		func(ctx context.Context, node *redis.Client) error {
			masters <- node.String()
			return node.Ping(ctx).Err()
		})
	expect(err, nil)
	expect(len(masters), 3)
}

func plain() {
	for i := 0; i < 100; i++ {
		expect(must(c.Set(ctx, key(i), i, 0).Result()), "OK")
	}
	for i := 0; i < 100; i++ {
		expect(must(c.Get(ctx, key(i)).Result()), strconv.Itoa(i))
	}
	expect(c.Get(ctx, key("none")).Err(), redis.Nil)
}

func pipeline() {
	p := c.Pipeline()
	for i := 0; i < 5000; i++ {
		p.Set(ctx, key(fmt.Sprintf("p%d", i)), i, 0)
	}
	for i := 0; i < 5000; i++ {
		p.Incr(ctx, key(fmt.Sprintf("p%d", i)))
	}
	said := must(p.Exec(ctx))
	expect(len(said), 10000)
	for i := 0; i < 5000; i++ {
		expect(said[i].(*redis.StatusCmd).Val(), "OK")
		expect(said[5000+i].(*redis.IntCmd).Val(), int64(i+1))
	}
}

func sameSlot() {
	var pairs, values []any
	var keys []string
	for i := 0; i < 50; i++ {
		value := fmt.Sprintf("v%d", i)
		pairs = append(pairs, tagged(i), value)
		keys = append(keys, tagged(i))
		values = append(values, value)
	}
	expect(must(c.MSet(ctx, pairs...).Result()), "OK")
	expect(must(c.MGet(ctx, keys...).Result()), values)
}

func byEval() {
	expect(must(c.Eval(ctx, script, []string{key("e")}, "one").Result()), "one")
}

func byEvalSha() {
	sha := fmt.Sprintf("%x", sha1.Sum([]byte(script)))
	keys := []string{key("e")}
	expect(must(c.EvalSha(ctx, sha, keys, "two").Result()), "two")
	fails(c.EvalSha(ctx, strings.Repeat("0", 40), keys, "x").Err(), "NOSCRIPT")
	// Script.Run says EVAL where EVALSHA does not know it.
	fresh := redis.NewScript("return {KEYS[1], '" + prefix + "'}")
	expect(must(fresh.Run(ctx, c, keys).Result()), []any{key("e"), prefix})
}

func streams() {
	s := key("s")
	var ids []string
	var wanted []redis.XMessage
	for i := 0; i < 3; i++ {
		values := map[string]any{"n": strconv.Itoa(i)}
		id := must(c.XAdd(ctx, &redis.XAddArgs{Stream: s,
			Values: values}).Result())
		ids = append(ids, id)
		wanted = append(wanted, redis.XMessage{ID: id, Values: values})
	}
	expect(must(c.XGroupCreate(ctx, s, "g", "0").Result()), "OK")
	got := must(c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g",
		Consumer: "me", Streams: []string{s, ">"}, Count: 10,
		Block: -1}).Result())
	expect(len(got), 1)
	expect(got[0].Stream, s)
	for i, m := range got[0].Messages {
		expect(m.ID, wanted[i].ID)
		expect(m.Values, wanted[i].Values)
	}
	expect(must(c.XPending(ctx, s, "g").Result()).Count, int64(3))
	expect(must(c.XAck(ctx, s, "g", ids...).Result()), int64(3))
	expect(must(c.XPending(ctx, s, "g").Result()).Count, int64(0))
}

func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

func binary() {
	odd := prefix + string(everyByte())
	value := append(everyByte(), everyByte()...)
	expect(must(c.Set(ctx, odd, value, 0).Result()), "OK")
	expect(must(c.Get(ctx, odd).Bytes()), value)
}

func big() {
	value := bytes.Repeat(everyByte(), 5*4096)
	expect(must(c.Set(ctx, key("big"), value, 0).Result()), "OK")
	expect(bytes.Equal(must(c.Get(ctx, key("big")).Bytes()), value), true)
}

func wrong() {
	c.RPush(ctx, key("l"), "x")
	fails(c.Get(ctx, key("l")).Err(), "WRONGTYPE")
	expect(must(c.LLen(ctx, key("l")).Result()), int64(1))
}

func setinfo() {
	info := fmt.Sprint(must(c.Do(ctx, "CLIENT", "INFO").Result()))
	expect(strings.Contains(info, "lib-name=go-redis"), true)
}

func resp3() {
	c.HSet(ctx, key("h"), "a", "1")
	c.ZAdd(ctx, key("z"), redis.Z{Score: 1.5, Member: "m"})
	c.SAdd(ctx, key("set"), "x")
	expect(must(c.Do(ctx, "HGETALL", key("h")).Result()),
		map[any]any{"a": "1"})
	expect(must(c.Do(ctx, "ZSCORE", key("z"), "m").Result()), 1.5)
	expect(must(c.SMembers(ctx, key("set")).Result()), []string{"x"})
}

func blpop() {
	fmt.Println("block list", key("q"))
	expect(must(c.BLPop(ctx, 30*time.Second, key("q")).Result()),
		[]string{key("q"), "pushed"})
	expect(c.BRPop(ctx, time.Second, key("q")).Err(), redis.Nil)
}

func xread() {
	fmt.Println("block stream", key("sb"))
	got := must(c.XRead(ctx, &redis.XReadArgs{Block: 30 * time.Second,
		Streams: []string{key("sb"), "$"}}).Result())
	expect(got[0].Messages[0].Values, map[string]any{"f": "pushed"})
}

// What the deed panicked with.
func attempt(deed func()) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("%w", e.(error))
		}
	}()
	deed()
	return nil
}

var (
	remark string
	stdin  = bufio.NewReader(os.Stdin)
)

// Have the proxies restarted or the slots moved, then try until it goes well.
func after(change string) {
	fmt.Println(change)
	stdin.ReadString('\n')
	end := time.Now().Add(15 * time.Second)
	for failed := 0; ; failed++ {
		err := attempt(plain)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			panic(err)
		}
		remark = fmt.Sprintf("after %d errors, %v", failed+1, err)
		time.Sleep(50 * time.Millisecond)
	}
}

func run(name string, deed func()) {
	remark = ""
	err := attempt(deed)
	text := func(s string) string {
		return strings.Join(strings.Fields(fmt.Sprintf("%.500s", s)), " ")
	}
	switch {
	case err == nil && remark == "":
		fmt.Printf("ok %s\n", name)
	case err == nil:
		fmt.Printf("ok %s: %s\n", name, text(remark))
	default:
		fmt.Printf("not ok %s: %s\n", name, text(err.Error()))
	}
}

func main() {
	resp := must(strconv.Atoi(os.Args[2]))
	addr := "127.0.0.1:" + os.Args[3]
	cluster = os.Args[1] == "cluster"
	prefix = os.Args[4]
	password := os.Getenv("DEEDS_PASSWORD")

	if cluster {
		c = redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{addr}, Protocol: resp, Password: password,
			ReadTimeout: patience, WriteTimeout: patience})
	} else {
		c = redis.NewClient(&redis.Options{Addr: addr, Protocol: resp,
			Password: password, ReadTimeout: patience,
			WriteTimeout: patience})
	}

	fmt.Println("version", redis.Version())
	run("discovery", discovery)
	run("strings", plain)
	run("pipeline", pipeline)
	run("same-slot", sameSlot)
	run("eval", byEval)
	run("evalsha", byEvalSha)
	run("streams", streams)
	run("binary", binary)
	run("big", big)
	run("errors", wrong)
	run("setinfo", setinfo)
	if resp == 3 {
		run("resp3", resp3)
	}
	run("blpop", blpop)
	run("xread", xread)
	run("reconnect", func() { after("restart") })
	run("moved", func() { after("move") })
}
