// Porcupine's opinion of a log of um_lin_load, in the words of
// `um_lin_check -v`: a line "verdict GROUP yes|no|undecided" for each group.
//
//	linear [-t SECONDS of a group] LOG
//
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

var model = (&porcupine.NondeterministicModel{
	Init: func() []interface{} {
		return []interface{}{freeze(map[string]*value{})}
	},
	Step: func(s, in, out interface{}) []interface{} {
		return step(s.(*state), in.(command), out.(answer))
	},
	Equal: func(a, b interface{}) bool {
		return a.(*state).text == b.(*state).text
	},
	Hash: func(s interface{}) uint64 {
		h := fnv.New64a()
		h.Write([]byte(s.(*state).text))
		return h.Sum64()
	},
}).ToModel()

// Of these nobody will ever know, and they change nothing.
var reads = map[string]bool{"GET": true, "MGET": true, "STRLEN": true,
	"EXISTS": true, "PTTL": true, "LLEN": true, "LRANGE": true, "HGET": true,
	"HGETALL": true, "SISMEMBER": true, "SMEMBERS": true}

// What nobody knows may be as late as one likes: after everything, too.
func history(ops []operation) []porcupine.Operation {
	var h []porcupine.Operation
	for _, op := range ops {
		if op.out == "" && reads[op.in.words[0]] {
			continue
		}
		h = append(h, porcupine.Operation{ClientId: op.client, Input: op.in,
			Call: op.in.inv, Output: op.out, Return: op.in.ret})
	}
	return h
}

func main() {
	seconds := flag.Int("t", 5, "seconds for a group")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}

	groups, err := readLog(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	var names []string
	for name := range groups {
		names = append(names, name)
	}
	sort.Strings(names)

	word := map[porcupine.CheckResult]string{porcupine.Ok: "yes",
		porcupine.Illegal: "no", porcupine.Unknown: "undecided"}
	status := 0
	for _, name := range names {
		v := porcupine.CheckOperationsTimeout(model, history(groups[name]),
			time.Duration(*seconds)*time.Second)
		fmt.Println("verdict", name, word[v])
		if v == porcupine.Illegal {
			status = 1
		}
	}
	os.Exit(status)
}
