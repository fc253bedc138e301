// A Redis of a few keys.  Written without a look at lin_model.c, so that what
// both think is what Redis does.
//
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// How far clocks may be apart, ns.
var margin int64 = 100e6

type value struct {
	kind   byte // s l h m
	list   []string
	table  map[string]string // hashes, and members of sets
	lo, hi int64             // it expires between these; hi 0: never
}

// Values are never changed, but replaced.
type state struct {
	keys map[string]*value
	text string // equal states have equal texts
}

func (v *value) String() string {
	s := fmt.Sprintf("%c%d,%d:", v.kind, v.lo, v.hi)
	if v.table == nil {
		return s + strings.Join(v.list, ",")
	}
	return s + strings.Join(pairs(v), ",")
}

func pairs(v *value) []string {
	names := []string{}
	for name := range v.table {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		if v.kind == 'h' {
			names[i] = name + ",$" + v.table[name]
		}
	}
	return names
}

func freeze(keys map[string]*value) *state {
	names := []string{}
	for name := range keys {
		names = append(names, name)
	}
	sort.Strings(names)

	s := &state{keys: keys}
	for _, name := range names {
		s.text += name + "=" + keys[name].String() + ";"
	}
	return s
}

// One command being executed on a copy of the state.
type run struct {
	in   command
	w    []string
	keys map[string]*value
}

func (r *run) put(key string, v *value) {
	if v == nil || len(v.list) == 0 && len(v.table) == 0 {
		delete(r.keys, key)
	} else {
		r.keys[key] = v
	}
}

func text(s string) *value {
	return &value{kind: 's', list: []string{s}}
}

func (v *value) with(list []string) *value {
	return &value{v.kind, list, nil, v.lo, v.hi}
}

func (v *value) clone() *value {
	t := map[string]string{}
	for k, x := range v.table {
		t[k] = x
	}
	return &value{v.kind, nil, t, v.lo, v.hi}
}

func number(n int) string { return ":" + strconv.Itoa(n) }

func truth(b bool) string {
	if b {
		return ":1"
	}
	return ":0"
}

func bulk(v *value) string {
	if v == nil {
		return "_"
	}
	return "$" + v.list[0]
}

func array(list []string) string {
	s := []string{}
	for _, e := range list {
		s = append(s, "$"+e)
	}
	return "[" + strings.Join(s, ",") + "]"
}

func (r *run) timed(v *value, ms string) *value {
	n, _ := strconv.ParseInt(ms, 10, 64)
	c := *v
	c.lo = r.in.inv + n*1e6 - margin
	c.hi = never
	if r.in.ret != never {
		c.hi = r.in.ret + n*1e6 + margin
	}
	return &c
}

func (r *run) strings() (string, bool) {
	key := r.w[1]
	v := r.keys[key]
	switch r.w[0] {
	case "GET":
		return bulk(v), true
	case "STRLEN":
		if v == nil {
			return ":0", true
		}
		return number(len(v.list[0])), true
	case "SET":
		if len(r.w) == 4 && v != nil {
			return "_", true
		}
		v = text(r.w[2])
		if len(r.w) == 5 {
			v = r.timed(v, r.w[4])
		}
		r.put(key, v)
		return "+OK", true
	case "GETSET":
		r.put(key, text(r.w[2]))
		return bulk(v), true
	case "GETDEL":
		r.put(key, nil)
		return bulk(v), true
	case "CAS":
		is := v != nil && v.list[0] == r.w[2]
		if is {
			r.put(key, text(r.w[3]))
		}
		return truth(is), true
	case "SWAP":
		u := r.keys[r.w[2]]
		reply := "[" + bulk(v) + "," + bulk(u) + "]"
		r.put(key, nil)
		r.put(r.w[2], nil)
		if u != nil {
			r.put(key, text(u.list[0]))
		}
		if v != nil {
			r.put(r.w[2], text(v.list[0]))
		}
		return reply, true
	case "APPEND":
		if v == nil {
			v = text("")
		}
		v = v.with([]string{v.list[0] + r.w[2]})
		r.put(key, v)
		return number(len(v.list[0])), true
	case "INCR":
		return r.add(1), true
	case "DECR":
		return r.add(-1), true
	case "INCRBY":
		n, _ := strconv.Atoi(r.w[2])
		return r.add(n), true
	case "MSET":
		for i := 1; i < len(r.w); i += 2 {
			r.put(r.w[i], text(r.w[i+1]))
		}
		return "+OK", true
	case "MGET":
		s := []string{}
		for _, k := range r.w[1:] {
			s = append(s, bulk(r.keys[k]))
		}
		return "[" + strings.Join(s, ",") + "]", true
	}
	return "", false
}

func (r *run) add(by int) string {
	v := r.keys[r.w[1]]
	if v == nil {
		v = text("0")
	}
	n, err := strconv.Atoi(v.list[0])
	if err != nil {
		return "-ERR~value~is~not~an~integer~or~out~of~range"
	}
	r.put(r.w[1], v.with([]string{strconv.Itoa(n + by)}))
	return number(n + by)
}

func (r *run) any() (string, bool) {
	key := r.w[1]
	v := r.keys[key]
	switch r.w[0] {
	case "DEL", "UNLINK", "EXISTS":
		n := 0
		for _, k := range r.w[1:] {
			if r.keys[k] != nil {
				n++
			}
			if r.w[0] != "EXISTS" {
				r.put(k, nil)
			}
		}
		return number(n), true
	case "RENAME":
		if v == nil {
			return "-ERR~no~such~key", true
		}
		r.put(r.w[2], v)
		r.put(key, nil)
		return "+OK", true
	case "COPY":
		may := v != nil && (len(r.w) == 4 || r.keys[r.w[2]] == nil)
		if may {
			r.put(r.w[2], v)
		}
		return truth(may), true
	case "PEXPIRE":
		if v != nil {
			r.put(key, r.timed(v, r.w[2]))
		}
		return truth(v != nil), true
	case "PERSIST":
		may := v != nil && v.hi != 0
		if may {
			c := *v
			c.lo, c.hi = 0, 0
			r.put(key, &c)
		}
		return truth(may), true
	case "PTTL":
		if v == nil {
			return ":-2", true
		}
		if v.hi == 0 {
			return ":-1", true
		}
		return fmt.Sprintf("?%d,%d", v.lo-r.in.ret, v.hi-r.in.inv), true
	}
	return "", false
}

func (r *run) lists() (string, bool) {
	key := r.w[1]
	v := r.keys[key]
	if v == nil {
		v = &value{kind: 'l'}
	}
	switch r.w[0] {
	case "RPUSH", "LPUSH":
		l := append([]string{}, v.list...)
		for _, e := range r.w[2:] {
			l = pushed(l, r.w[0] == "LPUSH", e)
		}
		r.put(key, v.with(l))
		return number(len(l)), true
	case "LPOP", "RPOP":
		return r.move(key, r.w[0] == "LPOP", "", false), true
	case "BLPOP":
		s := r.move(key, true, "", false)
		if s != "_" {
			s = "[$" + key + "," + s + "]"
		}
		return s, true
	case "RPOPLPUSH":
		return r.move(key, false, r.w[2], true), true
	case "LMOVE":
		return r.move(key, r.w[3] == "LEFT", r.w[2], r.w[4] == "LEFT"), true
	case "LLEN":
		return number(len(v.list)), true
	case "LRANGE":
		return array(v.list), true
	}
	return "", false
}

func pushed(l []string, left bool, e string) []string {
	if left {
		return append([]string{e}, l...)
	}
	return append(append([]string{}, l...), e)
}

// From one end of a list to one of another; to: "" is to the client alone.
func (r *run) move(from string, left bool, to string, toLeft bool) string {
	v := r.keys[from]
	if v == nil {
		return "_"
	}
	e, rest := v.list[0], v.list[1:]
	if !left {
		n := len(v.list) - 1
		e, rest = v.list[n], v.list[:n]
	}
	r.put(from, v.with(rest))
	if to != "" {
		u := r.keys[to]
		if u == nil {
			u = &value{kind: 'l'}
		}
		r.put(to, u.with(pushed(u.list, toLeft, e)))
	}
	return "$" + e
}

func (r *run) tables() (string, bool) {
	key := r.w[1]
	v := r.keys[key]
	if v == nil {
		kind := byte('m')
		if r.w[0][0] == 'H' {
			kind = 'h'
		}
		v = &value{kind: kind}
	}
	c := v.clone()
	n := 0
	switch r.w[0] {
	case "HSET":
		for i := 2; i < len(r.w); i += 2 {
			if _, is := c.table[r.w[i]]; !is {
				n++
			}
			c.table[r.w[i]] = r.w[i+1]
		}
	case "SADD":
		for _, e := range r.w[2:] {
			if _, is := c.table[e]; !is {
				n++
			}
			c.table[e] = ""
		}
	case "HDEL", "SREM":
		if _, is := c.table[r.w[2]]; is {
			n++
		}
		delete(c.table, r.w[2])
	case "HINCRBY":
		have := 0
		if s, is := c.table[r.w[2]]; is {
			var err error
			have, err = strconv.Atoi(s)
			if err != nil {
				return "-ERR~hash~value~is~not~an~integer", true
			}
		}
		by, _ := strconv.Atoi(r.w[3])
		n = have + by
		c.table[r.w[2]] = strconv.Itoa(n)
	case "HGET":
		if s, is := v.table[r.w[2]]; is {
			return "$" + s, true
		}
		return "_", true
	case "SISMEMBER":
		_, is := v.table[r.w[2]]
		return truth(is), true
	case "HGETALL", "SMEMBERS":
		return array(pairs(v)), true
	case "SMOVE":
		if _, is := c.table[r.w[3]]; is {
			n++
			delete(c.table, r.w[3])
			d := (&value{kind: 'm'}).clone()
			if u := r.keys[r.w[2]]; u != nil {
				d = u.clone()
			}
			d.table[r.w[3]] = ""
			r.put(r.w[2], d)
		}
	case "SINTERSTORE":
		a, b := r.keys[r.w[2]], r.keys[r.w[3]]
		c = (&value{kind: 'm'}).clone()
		if a != nil && b != nil {
			for e := range a.table {
				if _, is := b.table[e]; is {
					c.table[e] = ""
					n++
				}
			}
		}
	default:
		return "", false
	}
	r.put(key, c)
	return number(n), true
}

func fits(reply string, out answer) bool {
	if out == "" || reply == string(out) {
		return true
	}
	var lo, hi, ms int64
	if _, err := fmt.Sscanf(reply, "?%d,%d", &lo, &hi); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(string(out), ":%d", &ms); err != nil || ms < 0 {
		return false
	}
	return ms*1e6 >= lo && ms*1e6 <= hi
}

// Everything that can be after this command with this answer.
func step(s *state, in command, out answer) []interface{} {
	var doubts []string
	sure := map[string]*value{}
	for key, v := range s.keys {
		touched := false
		for _, w := range in.words[1:] {
			touched = touched || w == key
		}
		if !touched || v.hi == 0 || in.ret < v.lo {
			sure[key] = v
		} else if in.inv <= v.hi {
			doubts = append(doubts, key)
		}
	}

	var all []interface{}
	for mask := 0; mask < 1<<len(doubts); mask++ {
		r := &run{in, in.words, map[string]*value{}}
		for key, v := range sure {
			r.keys[key] = v
		}
		for i, key := range doubts {
			if mask>>i&1 == 1 {
				r.keys[key] = s.keys[key]
			}
		}
		var reply string
		var is bool
		for _, f := range []func() (string, bool){
			r.any, r.strings, r.lists, r.tables} {
			if reply, is = f(); is {
				break
			}
		}
		if !is {
			panic("unknown command " + in.words[0])
		}
		if fits(reply, out) {
			all = append(all, freeze(r.keys))
		}
	}
	return all
}
