// Logs of um_lin_load, as docs/testing.md has them.
//
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
)

const never = math.MaxInt64

// What a client did: input and output of one operation.
type command struct {
	words    []string
	inv, ret int64
}

// "" is nobody knows.
type answer string

type operation struct {
	client int
	in     command
	out    answer
}

// Elements of `[a,b]` that come in no order, by so many, sorted.
func sorted(reply string, by int) string {
	if len(reply) < 4 || reply[0] != '[' {
		return reply
	}

	parts := strings.Split(reply[1:len(reply)-1], ",")
	groups := []string{}
	for i := 0; i < len(parts); i += by {
		groups = append(groups, strings.Join(parts[i:i+by], ","))
	}
	sort.Strings(groups)
	return "[" + strings.Join(groups, ",") + "]"
}

func parse(line string) (op operation, group string, err error) {
	f := strings.Split(line, " ")
	if len(f) < 6 {
		return op, "", fmt.Errorf("too few words: %s", line)
	}

	op.client, err = strconv.Atoi(f[0])
	if err != nil {
		return op, "", err
	}
	op.in.inv, err = strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return op, "", err
	}
	op.in.ret = never
	if f[2] != "-" {
		op.in.ret, err = strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return op, "", err
		}
		op.out = answer(f[3])
	}
	op.in.words = f[4:]
	switch f[4] {
	case "SMEMBERS":
		op.out = answer(sorted(string(op.out), 1))
	case "HGETALL":
		op.out = answer(sorted(string(op.out), 2))
	}

	from, to := strings.Index(f[5], "{"), strings.Index(f[5], "}")
	if from < 0 || to < from {
		return op, "", fmt.Errorf("no key: %s", line)
	}
	return op, f[5][from+1 : to], nil
}

func readLog(path string) (map[string][]operation, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	groups := map[string][]operation{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		op, group, err := parse(lines.Text())
		if err != nil {
			return nil, err
		}
		groups[group] = append(groups[group], op)
	}
	return groups, lines.Err()
}
