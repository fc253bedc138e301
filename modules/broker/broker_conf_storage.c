/* SPDX-License-Identifier: Apache-2.0 */

#include "broker_conf_storage.h"

#include <string.h>

#include "core/um_pool.h"
#include "core/um_str.h"

/* Where the reference looks for an external store. */
#define STORAGE_ADDRESS "localhost:9999"

static const char *
set_file(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    um_conf_cx_t path = *cx;
    const char *wrong;

    if (cx->argc != 2 || cx->arg[1][0] == '\0') {
        return "needs a path behind it";
    }

    path.arg = &cx->arg[1];
    path.argc = 1;
    wrong = um_set_path(&path, d, conf);
    cx->about = wrong == NULL ? cx->about : cx->arg[1];
    return wrong;
}

static const char *
set_http(um_conf_cx_t *cx, broker_conf_t *bc)
{
    const char *wrong;

    if (cx->argc != 2) {
        return "needs an address behind it";
    }

    bc->external = um_pool_alloc(cx->pool, sizeof(*bc->external));
    if (bc->external == NULL) {
        return "cannot be stored: out of memory";
    }

    wrong = um_addr_parse(bc->external, um_str_of(cx->arg[1]));
    if (wrong == NULL && bc->external->kind == UM_ADDR_UNIX) {
        wrong = "is no host with a port";
    }
    cx->about = wrong == NULL ? cx->about : cx->arg[1];
    return wrong;
}

/* memory, file PATH, or http ADDRESS. */
const char *
broker_set_storage(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    broker_conf_t *bc = conf;

    bc->file = NULL;
    bc->external = NULL;
    if (strcmp(cx->arg[0], "memory") == 0) {
        return cx->argc == 1 ? NULL : "takes no path";
    }
    if (strcmp(cx->arg[0], "file") == 0) {
        return set_file(cx, d, conf);
    }

    return strcmp(cx->arg[0], "http") == 0 ? set_http(cx, bc)
                                           : "is neither memory, file nor http";
}

const char *
broker_set_storage_name(um_conf_cx_t *cx, const um_directive_t *d, void *conf)
{
    const char *name = cx->arg[0];

    if (name[0] == '\0') {
        return "is empty";
    }
    if (strchr(name, ':') != NULL) {
        return "has a colon, which basic authentication cannot say";
    }

    return um_set_str(cx, d, conf);
}

/* ---- From the environment ----------------------------------------------- */

static bool
env_says(const um_conf_t *cf, const char *name, const char *off)
{
    const char *value = um_conf_getenv(cf, name);

    return value != NULL && strcmp(value, off) != 0;
}

static void
env_word(um_sbuf_t *out, const char *word)
{
    um_sbuf_addz(out, " \"");
    for (; *word != '\0'; word++) {
        if (*word == '"' || *word == '\\') {
            um_sbuf_addz(out, "\\");
        }
        um_sbuf_add(out, word, 1);
    }
    um_sbuf_addz(out, "\"");
}

/*
 * The reference keeps its store in memory or in an external one, and a copy of
 * that in memory in a file when one of three variables asks for it.  Here that
 * is storage file.
 */
const char *
broker_storage_env(um_conf_cx_t *cx, um_sbuf_t *out)
{
    um_str_t type = um_str_of(um_conf_getenv(cx->cf, "UNDERMOON_STORAGE_TYPE"));
    const char *name = um_conf_getenv(cx->cf, "UNDERMOON_META_FILENAME");
    const char *address =
        um_conf_getenv(cx->cf, "UNDERMOON_HTTP_STORAGE_ADDRESS");

    if (um_str_ieq(type, um_lit("http"))) {
        um_sbuf_addz(out, "http");
        env_word(out, address != NULL ? address : STORAGE_ADDRESS);
        return NULL;
    }

    if (type.len > 0 && !um_str_ieq(type, um_lit("memory"))) {
        return "UNDERMOON_STORAGE_TYPE is neither memory nor http";
    }

    if (env_says(cx->cf, "UNDERMOON_AUTO_UPDATE_META_FILE", "false")
        || env_says(cx->cf, "UNDERMOON_RECOVER_FROM_META_FILE", "false")
        || env_says(cx->cf, "UNDERMOON_UPDATE_META_FILE_INTERVAL", "0"))
    {
        um_sbuf_addz(out, "file");
        env_word(out, name != NULL ? name : "metadata");
    } else if (type.len > 0) {
        um_sbuf_addz(out, "memory");
    }

    return NULL;
}
