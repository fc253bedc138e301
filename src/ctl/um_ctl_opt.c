/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/um_ctl_opt.h"

#include <string.h>

#include "core/um_str.h"

#define OPT(name) offsetof(um_ctl_opts_t, name)

#define OPT_TIME_MAX (UINT64_C(7) * 24 * 3600 * 1000)

const um_ctl_option_t um_ctl_options[] = {
    {
        .name = "broker",
        .arg = "HOST:PORT[,...]",
        .kind = UM_CTL_TEXT,
        .offset = OPT(broker),
        .env = "UNDERMOONCTL_BROKER",
        .dflt = "127.0.0.1:7799",
        .doc = "The broker. With several, the first that answers is asked; "
               "what changes something goes to the first alone.",
    },
    {
        .name = "token",
        .arg = "TOKEN",
        .kind = UM_CTL_TEXT,
        .offset = OPT(token),
        .env = "UNDERMOONCTL_TOKEN",
        .doc = "What the broker calls write_token. Others can read arguments "
               "in the list of processes: the environment is for you alone.",
    },
    {
        .name = "user",
        .arg = "NAME:PASSWORD",
        .kind = UM_CTL_TEXT,
        .offset = OPT(user),
        .env = "UNDERMOONCTL_USER",
        .doc = "What the broker calls write_user. Better in the environment, "
               "too.",
    },
    {
        .name = "password",
        .arg = "PASSWORD",
        .kind = UM_CTL_TEXT,
        .offset = OPT(password),
        .env = "UNDERMOONCTL_PASSWORD",
        .doc = "For AUTH at proxies and coordinators. Better in the "
               "environment, too.",
    },
    {
        .name = "timeout",
        .arg = "TIME",
        .kind = UM_CTL_TIME,
        .offset = OPT(timeout),
        .dflt = "5s",
        .doc = "How long any of them may take to answer.",
    },
    {
        .name = "json",
        .kind = UM_CTL_FLAG,
        .offset = OPT(json),
        .doc = "Answer with one JSON document, errors included.",
    },
    {
        .name = "no-colour",
        .kind = UM_CTL_FLAG,
        .offset = OPT(no_colour),
        .doc = "Do not mark what is wrong in colour. NO_COLOR in the "
               "environment says the same.",
    },
    {
        .name = "help",
        .kind = UM_CTL_FLAG,
        .offset = OPT(help),
        .doc = "Show how the command is used.",
    },
    {
        .name = "nodes",
        .arg = "N",
        .takes = UM_CTL_NODES,
        .kind = UM_CTL_NUMBER,
        .offset = OPT(nodes),
        .doc = "How many nodes the cluster is to have.",
    },
    {
        .name = "wait",
        .takes = UM_CTL_WAIT,
        .kind = UM_CTL_FLAG,
        .offset = OPT(wait),
        .doc = "Wait until it has happened.",
    },
    {
        .name = "wait-timeout",
        .arg = "TIME",
        .takes = UM_CTL_WAIT,
        .kind = UM_CTL_TIME,
        .offset = OPT(wait_timeout),
        .dflt = "10m",
        .doc = "For how long to wait; for slots, without any progress. What "
               "was asked for goes on nevertheless.",
    },
    {
        .name = "no-wait",
        .takes = UM_CTL_NO_WAIT,
        .kind = UM_CTL_FLAG,
        .offset = OPT(no_wait),
        .doc = "Do not wait until it has happened.",
    },
    {
        .name = "yes",
        .takes = UM_CTL_YES,
        .kind = UM_CTL_FLAG,
        .offset = OPT(yes),
        .doc = "Do not ask whether it is meant.",
    },
    {
        .name = "cancel",
        .takes = UM_CTL_CANCEL,
        .kind = UM_CTL_FLAG,
        .offset = OPT(cancel),
        .doc = "Take back what has not arrived.",
    },
    {
        .name = "watch",
        .takes = UM_CTL_CANCEL,
        .kind = UM_CTL_FLAG,
        .offset = OPT(watch),
        .doc = "Show how far they are until none is on the move any more.",
    },
    {
        .name = "host",
        .arg = "HOST",
        .takes = UM_CTL_HOST,
        .kind = UM_CTL_TEXT,
        .offset = OPT(host),
        .doc = "What the proxy shares its fate with: machine, rack or zone. "
               "Default: the host of its address.",
    },
    {
        .name = "index",
        .arg = "N",
        .takes = UM_CTL_HOST,
        .kind = UM_CTL_NUMBER,
        .offset = OPT(index),
        .doc = "Its place, for a broker with enable_ordered_proxy.",
    },
    {
        .name = "coordinator",
        .arg = "HOST:PORT",
        .takes = UM_CTL_COORDINATOR,
        .kind = UM_CTL_TEXT,
        .offset = OPT(coordinator),
        .env = "UNDERMOONCTL_COORDINATOR",
        .doc = "Look at this coordinator, too.",
    },
    {
        .name = "stall",
        .arg = "TIME",
        .takes = UM_CTL_STALL,
        .kind = UM_CTL_TIME,
        .offset = OPT(stall),
        .dflt = "30s",
        .doc = "For how long a migration may show no progress. Where all get "
               "on it takes a second.",
    },
    { .name = NULL },
};

bool
um_ctl_option_fits(const um_ctl_option_t *o, const um_ctl_cmd_t *cmd)
{
    return o->takes == UM_CTL_ANY || (o->takes & cmd->takes) != 0;
}

/* ---- Values ------------------------------------------------------------- */

static bool
parse_time(um_str_t s, uint64_t *ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        { "ms", 1 },
        { "s", 1000 },
        { "m", 60000 },
        { "h", 3600000 },
        { "", 1000 },
    };
    size_t digits = 0;
    um_str_t unit;
    uint64_t n;

    while (digits < s.len && s.data[digits] >= '0' && s.data[digits] <= '9') {
        digits++;
    }

    unit = (um_str_t){ s.data + digits, s.len - digits };
    for (size_t i = 0; i < um_countof(units); i++) {
        if (um_str_eq(unit, um_str_of(units[i].unit))) {
            if (um_str_to_u64((um_str_t){ s.data, digits }, &n) != UM_OK
                || n == 0 || n > OPT_TIME_MAX / units[i].ms)
            {
                return false;
            }
            *ms = n * units[i].ms;
            return true;
        }
    }

    return false;
}

/* NULL, or what is wrong with the value. */
static const char *
opt_set(um_ctl_opts_t *o, const um_ctl_option_t *opt, const char *value)
{
    void *at = (char *) o + opt->offset;

    switch (opt->kind) {
    case UM_CTL_FLAG:
        *(bool *) at = true;
        return NULL;

    case UM_CTL_TEXT:
        *(const char **) at = value;
        return *value == '\0' ? "is empty" : NULL;

    case UM_CTL_NUMBER:
        return um_str_to_u64(um_str_of(value), at) == UM_OK
                       && *(uint64_t *) at < UM_CTL_UNSET
                   ? NULL
                   : "is not a number";

    default:
        return parse_time(um_str_of(value), at)
                   ? NULL
                   : "is not a time such as 500ms, 5s or 10m";
    }
}

static bool
opt_defaults(um_ctl_opts_t *o, um_ctl_env_pt env, um_sbuf_t *wrong)
{
    memset(o, 0, sizeof(*o));
    o->nodes = o->index = UM_CTL_UNSET;
    for (const um_ctl_option_t *opt = um_ctl_options; opt->name != NULL; opt++)
    {
        const char *value = opt->env != NULL ? env(opt->env) : NULL;
        const char *why;

        if (value == NULL || *value == '\0') {
            value = opt->dflt;
        }
        why = value != NULL ? opt_set(o, opt, value) : NULL;
        if (why != NULL) {
            um_sbuf_addf(wrong, "%s %s", opt->env, why);
            return false;
        }
    }

    return true;
}

/* ---- Arguments ---------------------------------------------------------- */

typedef struct {
    um_ctl_opts_t *o;
    int argc;
    char *const *argv;
    int at;
    uint32_t given[64]; /* places of options in the table */
    uint32_t options;
    um_sbuf_t *wrong;
} args_t;

static const um_ctl_option_t *
option_find(um_str_t name)
{
    for (const um_ctl_option_t *o = um_ctl_options; o->name != NULL; o++) {
        if (um_str_eq(name, um_str_of(o->name))) {
            return o;
        }
    }

    return NULL;
}

/* "--name", "--name=value" or "--name" "value". */
static bool
args_option(args_t *a, const char *text)
{
    um_str_t name = { text + 2, strcspn(text + 2, "=") };
    const char *value =
        name.data[name.len] == '=' ? name.data + name.len + 1 : NULL;
    const um_ctl_option_t *opt = strcmp(text, "-h") == 0
                                     ? option_find(um_lit("help"))
                                     : option_find(name);
    const char *why;

    if (opt == NULL || (text[1] != '-' && text[1] != 'h')) {
        um_sbuf_addf(a->wrong, "there is no option %s", text);
        return false;
    }

    if (opt->arg == NULL && value != NULL && text[1] == '-') {
        um_sbuf_addf(a->wrong, "--%s takes no value", opt->name);
        return false;
    }

    if (opt->arg != NULL && value == NULL) {
        if (a->at == a->argc) {
            um_sbuf_addf(a->wrong, "--%s wants %s", opt->name, opt->arg);
            return false;
        }
        value = a->argv[a->at++];
    }

    why = opt_set(a->o, opt, value);
    if (why != NULL) {
        um_sbuf_addf(a->wrong, "--%s: \"%s\" %s", opt->name,
            value != NULL ? value : "", why);
        return false;
    }

    if (a->options < um_countof(a->given)) {
        a->given[a->options++] = (uint32_t) (opt - um_ctl_options);
    }
    return true;
}

static bool
args_read(args_t *a)
{
    bool words_only = false;

    while (a->at < a->argc) {
        const char *text = a->argv[a->at++];

        if (!words_only && strcmp(text, "--") == 0) {
            words_only = true;
        } else if (!words_only && text[0] == '-' && text[1] != '\0') {
            if (!args_option(a, text)) {
                return false;
            }
        } else if (a->o->args == UM_CTL_ARGS) {
            um_sbuf_addz(a->wrong, "too many arguments");
            return false;
        } else {
            a->o->arg[a->o->args++] = text;
        }
    }

    return true;
}

/* Take the command's words from the arguments. */
static bool
args_command(args_t *a)
{
    um_ctl_opts_t *o = a->o;
    uint32_t used;

    o->cmd = um_ctl_cmd_find(o->arg, o->args, &used);
    if (o->cmd == NULL && (o->help || o->args == 0)) {
        static const char *const help[] = { "help" };
        uint32_t one;

        o->cmd = um_ctl_cmd_find(help, 1, &one);
        if (o->args == 0 && !o->help) {
            um_sbuf_addz(a->wrong, "which command?");
            return false;
        }
        return true;
    }

    if (o->cmd == NULL && um_ctl_cmd_is_group(o->arg[0])) {
        if (o->args == 1) {
            um_sbuf_addf(a->wrong, "%s needs a second word", o->arg[0]);
        } else {
            um_sbuf_addf(a->wrong, "there is no command \"%s %s\"", o->arg[0],
                o->arg[1]);
        }
        return false;
    }
    if (o->cmd == NULL) {
        um_sbuf_addf(a->wrong, "there is no command \"%s\"", o->arg[0]);
        return false;
    }

    o->args -= used;
    memmove(o->arg, o->arg + used, o->args * sizeof(o->arg[0]));
    return true;
}

static bool
args_fit(const args_t *a)
{
    const um_ctl_opts_t *o = a->o;

    if (o->help) {
        return true;
    }

    for (uint32_t i = 0; i < a->options; i++) {
        const um_ctl_option_t *opt = &um_ctl_options[a->given[i]];

        if (!um_ctl_option_fits(opt, o->cmd)) {
            um_sbuf_addf(
                a->wrong, "%s takes no --%s", o->cmd->words, opt->name);
            return false;
        }
    }

    if (o->args < o->cmd->min || o->args > o->cmd->max) {
        um_sbuf_addf(a->wrong, "%s wants %s", o->cmd->words,
            o->cmd->max == 0 ? "nothing more" : o->cmd->args);
        return false;
    }

    return true;
}

bool
um_ctl_opts_parse(um_ctl_opts_t *o, int argc, char *const *argv,
    um_ctl_env_pt env, um_sbuf_t *wrong)
{
    args_t a = { o, argc, argv, 1, { 0 }, 0, wrong };

    if (!opt_defaults(o, env, wrong)) {
        return false;
    }
    if (env("NO_COLOR") != NULL && *env("NO_COLOR") != '\0') {
        o->no_colour = true;
    }

    return args_read(&a) && args_command(&a) && args_fit(&a);
}
