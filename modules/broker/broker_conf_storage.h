/*
 * broker_conf_storage.h -- where the metadata is kept, in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_CONF_STORAGE_H
#define BROKER_CONF_STORAGE_H

#include "broker_conf.h"

um_conf_set_fn broker_set_storage;
um_conf_set_fn broker_set_storage_name;

/* What several variables of the reference ask for, as um_conf_env_pt. */
const char *broker_storage_env(um_conf_cx_t *cx, um_sbuf_t *out);

#endif /* BROKER_CONF_STORAGE_H */
