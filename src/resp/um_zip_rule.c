/* SPDX-License-Identifier: Apache-2.0 */

#include "resp/um_zip_rule.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"

#define PACK(first, step)                                                      \
    {                                                                          \
        first, step, false, false                                              \
    }
#define UNPACK                                                                 \
    {                                                                          \
        0, 0, true, false                                                      \
    }
#define BOTH(first)                                                            \
    {                                                                          \
        first, 0, true, false                                                  \
    }
#define REFUSE                                                                 \
    {                                                                          \
        0, 0, false, true                                                      \
    }

/*
 * By name, sorted.  What reads or writes a string otherwise than whole is
 * refused; so are those of newer Redises and of Valkey, which the table of
 * commands may have learnt from a node.
 */
static const struct {
    const char *name;
    um_zip_rule_t rule;
} rules[] = {
    { "append", REFUSE },
    { "bitcount", REFUSE },
    { "bitfield", REFUSE },
    { "bitfield_ro", REFUSE },
    { "bitop", REFUSE },
    { "bitpos", REFUSE },
    { "decr", REFUSE },
    { "decrby", REFUSE },
    { "delex", REFUSE },
    { "delifeq", REFUSE },
    { "digest", REFUSE },
    { "get", UNPACK },
    { "getbit", REFUSE },
    { "getdel", UNPACK },
    { "getex", UNPACK },
    { "getrange", REFUSE },
    { "getset", BOTH(2) },
    { "incr", REFUSE },
    { "incrby", REFUSE },
    { "incrbyfloat", REFUSE },
    { "increx", REFUSE },
    { "lcs", REFUSE },
    { "mget", UNPACK },
    { "mset", PACK(2, 2) },
    { "msetex", REFUSE },
    { "msetnx", PACK(2, 2) },
    { "psetex", PACK(3, 0) },
    { "set", PACK(2, 0) },
    { "setbit", REFUSE },
    { "setex", PACK(3, 0) },
    { "setnx", PACK(2, 0) },
    { "setrange", REFUSE },
    { "stralgo", REFUSE },
    { "strlen", REFUSE },
    { "substr", REFUSE },
};

static int
rule_compare(const void *name, const void *rule)
{
    return strcmp(name, *(const char *const *) rule);
}

static um_zip_rule_t
rule_of(const um_cmd_t *cmd)
{
    const char *const *found = bsearch(
        cmd->name, rules, um_countof(rules), sizeof(rules[0]), rule_compare);
    size_t i;

    if (found == NULL) {
        return (um_zip_rule_t){ 0, 0, false, false };
    }

    i = (size_t) ((const char *) found - (const char *) rules)
        / sizeof(rules[0]);
    return rules[i].rule;
}

/* SET key value [option...]: with GET it answers the old value; with IFEQ and
 * kin (newer ones) it compares with what is stored. */
static um_zip_rule_t
rule_of_set(um_zip_rule_t rule, const um_str_t *argv, uint32_t argc)
{
    for (uint32_t i = 3; i < argc; i++) {
        um_str_t word = argv[i];

        if (um_str_ieq(word, um_lit("get"))) {
            rule.unpack = true;
        } else if (um_str_ieq(word, um_lit("ex"))
                   || um_str_ieq(word, um_lit("px"))
                   || um_str_ieq(word, um_lit("exat"))
                   || um_str_ieq(word, um_lit("pxat")))
        {
            i++;
        } else if (word.len >= 4
                   && um_str_ieq((um_str_t){ word.data, 2 }, um_lit("if")))
        {
            rule.refuse = true;
            i++;
        }
    }

    return rule;
}

um_zip_rule_t
um_zip_rule(
    const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc, bool strict)
{
    um_zip_rule_t rule = rule_of(cmd);

    if (argc > 3 && strcmp(cmd->name, "set") == 0) {
        rule = rule_of_set(rule, argv, argc);
    }

    rule.refuse = rule.refuse && strict;
    if (rule.first >= argc) {
        rule.first = rule.step = 0; /* Redis says what it lacks */
    }
    return rule;
}

bool
um_zip_may_pack(const um_cmd_t *cmd)
{
    return rule_of(cmd).first != 0;
}
