/*
 * status_prom_out.h -- lines of Prometheus' text format.
 *
 *     prom_family(p, "commands_total", PROM_COUNTER, "Commands received.");
 *     prom_label(p, "worker", "0");
 *     prom_value(p, 17);
 *
 * Labels count for the next value, and are gone afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef STATUS_PROM_OUT_H
#define STATUS_PROM_OUT_H

#include "core/um_sbuf.h"

typedef enum { PROM_COUNTER, PROM_GAUGE, PROM_HISTOGRAM } prom_type_t;

typedef struct {
    um_sbuf_t *out;
    bool open;        /* OpenMetrics          */
    char name[96];    /* of the present family */
    um_sbuf_t labels; /* of the next value     */
} prom_t;

/* "undermoon_" is put before `name`. */
void prom_family(
    prom_t *p, const char *name, prom_type_t type, const char *help);

void prom_label(prom_t *p, const char *key, const char *value);
void prom_label_u64(prom_t *p, const char *key, uint64_t value);
void prom_labels_raw(prom_t *p, const char *labels); /* NULL: none */

void prom_value(prom_t *p, uint64_t value);
void prom_seconds_ns(prom_t *p, uint64_t ns);
void prom_seconds_us(prom_t *p, uint64_t us);

/* A histogram's "_bucket" (`le_us` UINT64_MAX: +Inf), and behind them all its
 * "_sum" and "_count", which end the labels. */
void prom_bucket(prom_t *p, uint64_t le_us, uint64_t count);
void prom_sum_count(prom_t *p, uint64_t usec, uint64_t count);

/* The end of the text; gives memory back. */
void prom_end(prom_t *p);

#endif /* STATUS_PROM_OUT_H */
