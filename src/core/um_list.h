/*
 * um_list.h -- intrusive doubly linked list.
 *
 * A head is a link too; an empty list points at itself.  A link that is on no
 * list points at itself as well, so removing twice is harmless.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LIST_H
#define UM_LIST_H

#include "core/um_base.h"

typedef struct um_list_s um_list_t;

struct um_list_s {
    um_list_t *prev;
    um_list_t *next;
};

static inline void
um_list_init(um_list_t *l)
{
    l->prev = l->next = l;
}

static inline bool
um_list_is_empty(const um_list_t *l)
{
    return l->next == l;
}

static inline void
um_list_add_tail(um_list_t *head, um_list_t *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void
um_list_add_head(um_list_t *head, um_list_t *link)
{
    um_list_add_tail(head->next, link);
}

static inline void
um_list_del(um_list_t *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = link;
}

/* Move all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void
um_list_join(um_list_t *to, um_list_t *from)
{
    if (um_list_is_empty(from)) {
        return;
    }

    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    um_list_init(from);
}

#define um_list_entry(link, type, member) um_container_of(link, type, member)

#define um_list_each(pos, head)                                                \
    for (um_list_t *pos = (head)->next; pos != (head); pos = pos->next)

/* The body may remove `pos`, and nothing else. */
#define um_list_each_safe(pos, head)                                           \
    for (um_list_t *pos = (head)->next, *pos##_next = pos->next;               \
         pos != (head); pos = pos##_next, pos##_next = pos->next)

#endif /* UM_LIST_H */
