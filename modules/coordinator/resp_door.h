/*
 * resp_door.h -- a client of the coordinator's Redis protocol.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef RESP_DOOR_H
#define RESP_DOOR_H

#include "coord.h"
#include "resp/um_scan.h"

typedef struct {
    um_list_t link;
    struct door_s *door;
    um_io_t io;
    um_sbuf_t in;
    um_scan_t scan;
    um_sbuf_t out;
    size_t written; /* of it */
    bool leaving;   /* once that is written */
    uint64_t id;
    uint64_t heard_ns;
    uint64_t came_us; /* wall clock */
    uint64_t commands;
    char peer[128];
} door_client_t;

/* Of door_client_t. */
const um_list_t *door_clients(const coord_t *co);

#endif /* RESP_DOOR_H */
