/*
 * um_modules.c -- see um_modules.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include "master/um_modules.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "master/um_host_api.h"

/* One that was opened. */
typedef struct module_open_s module_open_t;

struct module_open_s {
    module_open_t *next;
    char *name;         /* as in `module NAME;` */
    void *handle;       /* NULL: built in       */
    um_module_t module; /* an older one knows fewer members: the rest is 0 */
};

struct um_modules_s {
    const um_modules_def_t *def;
    module_open_t *open;
    char phrase[512];
};

um_modules_t *
um_modules_new(const um_modules_def_t *def)
{
    um_modules_t *ms = calloc(1, sizeof(*ms));

    if (ms == NULL) {
        um_log_error(ENOMEM, "modules");
        return NULL;
    }

    ms->def = def;
    um_host_api_init(def);
    return ms;
}

static void
module_free(module_open_t *m)
{
    if (m->handle != NULL) {
        dlclose(m->handle);
    }

    free(m->name);
    free(m);
}

void
um_modules_free(um_modules_t *ms)
{
    module_open_t *m;

    while (ms != NULL && (m = ms->open) != NULL) {
        ms->open = m->next;
        module_free(m);
    }

    free(ms);
}

UM_PRINTF(2, 3)
static const char *
modules_phrase(um_modules_t *ms, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ms->phrase, sizeof(ms->phrase), fmt, ap);
    va_end(ap);
    return ms->phrase;
}

static const um_module_t *
modules_builtin(const um_modules_t *ms, const char *name)
{
    const um_module_t *const *m;

    for (m = ms->def->builtin; *m != NULL; m++) {
        if (strcmp((*m)->name, name) == 0) {
            return *m;
        }
    }

    return NULL;
}

/* Whoever was built for another house must not be touched further than its
 * first four members. */
static const char *
modules_check(um_modules_t *ms, const um_module_t *module)
{
    if (module->abi != UM_MODULE_ABI) {
        return modules_phrase(ms,
            "was built for ABI %u of modules, this undermoond has ABI %d",
            module->abi, UM_MODULE_ABI);
    }

    if (module->size > sizeof(um_module_t)
        || module->size < offsetof(um_module_t, exit_worker)
        || module->directive_size != sizeof(um_directive_t)
        || module->api_size > sizeof(um_host_api_t))
    {
        return "was built for another version of undermoond";
    }

    if (module->name == NULL) {
        return "has no name";
    }

    return NULL;
}

static const char *
modules_load(um_modules_t *ms, module_open_t *m, const um_module_t **found)
{
    char path[4096];
    bool is_path = strchr(m->name, '/') != NULL;

    snprintf(path, sizeof(path), "%s%s%s%s", is_path ? "" : ms->def->dir,
        is_path ? "" : "/", m->name, is_path ? "" : ".so");

    m->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (m->handle == NULL) {
        return modules_phrase(ms, "cannot be loaded: %s", dlerror());
    }

    *found = dlsym(m->handle, "um_module");
    if (*found == NULL) {
        return modules_phrase(ms, "is no module: %s", dlerror());
    }

    return NULL;
}

static const char *
modules_open_new(um_modules_t *ms, module_open_t *m)
{
    const um_module_t *found = modules_builtin(ms, m->name);
    const char *wrong = found != NULL ? NULL : modules_load(ms, m, &found);

    if (wrong == NULL) {
        wrong = modules_check(ms, found);
    }

    if (wrong != NULL) {
        return wrong;
    }

    memcpy(&m->module, found, found->size);
    return m->module.open == NULL ? NULL : m->module.open(um_host_api());
}

const char *
um_modules_open(void *data, const char *name, const um_module_t **module)
{
    um_modules_t *ms = data;
    const char *wrong;
    module_open_t *m;

    for (m = ms->open; m != NULL; m = m->next) {
        if (strcmp(m->name, name) == 0) {
            *module = &m->module;
            return NULL;
        }
    }

    m = calloc(1, sizeof(*m));
    if (m == NULL || (m->name = strdup(name)) == NULL) {
        free(m);
        return "cannot be loaded: out of memory";
    }

    wrong = modules_open_new(ms, m);
    if (wrong != NULL) {
        module_free(m);
        return wrong;
    }

    m->next = ms->open;
    ms->open = m;
    *module = &m->module;
    return NULL;
}

um_rc_t
um_modules_init_worker(const um_heritage_t *h, um_worker_t *w)
{
    const um_module_t *const *module;
    uint32_t count = um_conf_modules(h->cycle_conf->conf, &module);
    uint32_t i;

    for (i = 0; i < count; i++) {
        const um_module_t *m = module[i];

        if (m->init_worker == NULL) {
            continue;
        }

        if (m->init_worker(w, um_conf_block(h->cycle_conf->conf, m->name))
            != UM_OK) {
            um_log_error(0, "module %s: this worker cannot start", m->name);
            return UM_ERR;
        }
    }

    return UM_OK;
}

void
um_modules_exit_worker(const um_heritage_t *h, um_worker_t *w)
{
    const um_module_t *const *module;
    uint32_t i = um_conf_modules(h->cycle_conf->conf, &module);

    while (i-- > 0) {
        if (module[i]->exit_worker != NULL) {
            module[i]->exit_worker(
                w, um_conf_block(h->cycle_conf->conf, module[i]->name));
        }
    }
}
