/*
 * um_store_script.h -- a story for the store, line by line: what is done or
 * asked, and what the store says.
 *
 *   { "hosts h1:2 h2:2", "OK" },
 *   { "create c 4", "OK" },
 *   { "?chunks c", "h1.0+h2.0 Normal 0-8191 8192-16383" },
 *
 * Each line runs on a copy, as the broker does it.  After each the store is
 * audited, a failed line must have changed nothing, and a changed store must
 * come back from its own dump.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_STORE_SCRIPT_H
#define UM_STORE_SCRIPT_H

#include "store_priv.h"

typedef struct {
    const char *line;
    const char *says;
} um_line_t;

#define UM_STORY_LINES 48

typedef struct {
    const char *why;
    bool ordered;
    um_line_t line[UM_STORY_LINES];
} um_story_t;

/* Play the story to its end or to its first surprise, a Check failure. */
void um_story_play(const um_story_t *story);

/* The settings stories start with: time 1000, ttl 60, quorum 1, no limit. */
store_env_t um_story_env(void);

/* `n` proxies hostK.0 .. on a host; addresses hostK.i:1, nodes :2 and :3. */
void um_story_host(store_t *s, const char *host, unsigned n);

#endif /* UM_STORE_SCRIPT_H */
