/*
 * watch_rule.h -- from what was heard of a proxy to what is said about it.
 * Pure: no clock, no I/O.
 *
 *   ALIVE -> DOUBT  [GONE, SILENT]   look again, over a fresh connection
 *   DOUBT -> ALIVE  [WELL, SICK]
 *   DOUBT -> DEAD   [3 looks GONE, 50 ms apart; or one SILENT]
 *   ALIVE -> FAULTY [SICK, and again WATCH_FAULT_MS later]
 *   DEAD, FAULTY -> ALIVE [WELL]
 *   FAULTY -> DOUBT [GONE, SILENT]   still reported
 *
 *   DEAD, FAULTY  it is reported as failed for as long as that lasts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef WATCH_RULE_H
#define WATCH_RULE_H

#include "core/um_base.h"

#define WATCH_LOOKS    3   /* over fresh connections, all in vain */
#define WATCH_PAUSE_MS 50  /* between them                        */
#define WATCH_FAULT_MS 300 /* a fault that lasts as long is one   */

typedef enum {
    WATCH_ALIVE, /* or not looked at yet */
    WATCH_DOUBT,
    WATCH_FAULTY, /* it answers; its Redis is what fails */
    WATCH_DEAD,
} watch_state_t;

typedef enum {
    WATCH_WELL,   /* it has answered                                      */
    WATCH_SICK,   /* and says that one of its masters cannot be served    */
    WATCH_GONE,   /* refused, or the connection ended                     */
    WATCH_SILENT, /* no answer in time                                    */
    WATCH_BLIND,  /* could not look, for want of something of our own     */
} watch_event_t;

typedef enum {
    WATCH_NOTHING,
    WATCH_LOOK,       /* over a fresh connection, now   */
    WATCH_LOOK_LATER, /* the same, in WATCH_PAUSE_MS    */
    WATCH_REPORT,     /* it has failed                  */
    WATCH_WITHDRAW,   /* it is well again               */
} watch_action_t;

typedef struct {
    watch_state_t state;
    uint32_t looks;   /* DOUBT: that were in vain              */
    uint64_t sick_ms; /* since when it says so; 0: it does not */
    bool reported;    /* between REPORT and WITHDRAW           */
} watch_t;            /* zeroed is ready */

/* `now_ms` of any steady clock, not 0.  `fresh`: it was a look. */
watch_action_t watch_note(
    watch_t *w, watch_event_t event, bool fresh, uint64_t now_ms);

const char *watch_state_name(watch_state_t state);

#endif /* WATCH_RULE_H */
