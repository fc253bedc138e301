/*
 * store_dump_ours.c -- "undermoon": what the reference's dump has no place
 * for.  Nothing of ours, no member: then the text is the reference's.
 *
 *   "protocols":  {proxy: version}
 *   "scaling":    {cluster: {"nodes", "since"}}
 *   "scaling_errors": {cluster: reason}
 *   "started":    {cluster: [task]}
 *   "cancelling": {cluster: [{"task", "source", "destination"}]}
 *
 * A task is named by its place among the cluster's tasks, counted through the
 * sources; the two booleans say which side has undone its half.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "store_priv.h"

/* Opens what is not open yet: the member itself, then the part of it. */
typedef struct {
    um_sbuf_t *out;
    bool any;
    bool part;
    bool item;
} ours_t;

static void
ours_item(ours_t *o, const char *part, um_str_t name)
{
    if (!o->part) {
        um_sbuf_addz(o->out, o->any ? ",\"" : ",\"undermoon\":{\"");
        um_sbuf_addz(o->out, part);
        um_sbuf_addz(o->out, "\":{");
        o->any = o->part = true;
        o->item = false;
    }
    um_sbuf_addz(o->out, o->item ? "," : "");
    o->item = true;
    store_json_str(o->out, name);
    um_sbuf_add(o->out, ":", 1);
}

static void
ours_part_end(ours_t *o)
{
    if (o->part) {
        um_sbuf_add(o->out, "}", 1);
    }
    o->part = false;
}

static void
dump_started(ours_t *o, const store_cluster_t *c)
{
    bool any = false;

    for (uint32_t i = 0; i < c->tasks; i++) {
        if (!c->task[i].started) {
            continue;
        }
        if (!any) {
            ours_item(o, "started", um_str_of(c->name));
        }
        um_sbuf_addf(o->out, "%s%u", any ? "," : "[", i);
        any = true;
    }
    um_sbuf_addz(o->out, any ? "]" : "");
}

static void
dump_cancelling(ours_t *o, const store_cluster_t *c)
{
    bool any = false;

    for (uint32_t i = 0; i < c->tasks; i++) {
        const store_task_t *t = &c->task[i];

        if (!t->cancelling) {
            continue;
        }
        if (!any) {
            ours_item(o, "cancelling", um_str_of(c->name));
        }
        um_sbuf_addf(o->out, "%s{\"task\":%u,\"source\":%s,\"destination\":%s}",
            any ? "," : "[", i, t->undone[0] ? "true" : "false",
            t->undone[1] ? "true" : "false");
        any = true;
    }
    um_sbuf_addz(o->out, any ? "]" : "");
}

void
store_dump_ours(const store_t *s, um_sbuf_t *out)
{
    ours_t o = { .out = out };

    for (uint32_t i = 0; i < s->by_address.n; i++) {
        const store_proxy_t *p = &s->proxy[s->by_address.at[i]];

        if (p->protocol != 0) {
            ours_item(&o, "protocols", p->ident->address);
            um_sbuf_add_u64(out, p->protocol);
        }
    }
    ours_part_end(&o);
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[i]];

        if (c->scale_to != 0) {
            ours_item(&o, "scaling", um_str_of(c->name));
            um_sbuf_addf(out, "{\"nodes\":%llu,\"since\":%llu}",
                (unsigned long long) c->scale_to,
                (unsigned long long) c->scale_since);
        }
    }
    ours_part_end(&o);
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        const store_cluster_t *c = s->cluster[s->by_name.at[i]];

        if (c->scale_error != NULL) {
            ours_item(&o, "scaling_errors", um_str_of(c->name));
            store_json_str(out, store_text(c->scale_error));
        }
    }
    ours_part_end(&o);
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        dump_started(&o, s->cluster[s->by_name.at[i]]);
    }
    ours_part_end(&o);
    for (uint32_t i = 0; i < s->by_name.n; i++) {
        dump_cancelling(&o, s->cluster[s->by_name.at[i]]);
    }
    ours_part_end(&o);
    um_sbuf_addz(out, o.any ? "}" : "");
}
