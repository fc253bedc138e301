/*
 * um_stat_tbl.h -- every counter: id, unit, what it counts.  Included, with
 * UM_STAT() defined to taste, by the enum, INFO, UMCTL STATS, the status page
 * and the manual.  The one X-macro of the house.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/* clang-format off */
UM_STAT(CLIENTS_ACCEPTED, "connections", "Client connections accepted.")
UM_STAT(CLIENTS_REFUSED, "connections", "Refused: max_clients, descriptors or memory.")
UM_STAT(CLIENTS_CLOSED_OUTPUT, "connections", "Closed: did not read its replies, over client_output_limit.")
UM_STAT(CLIENTS_CLOSED_MEMORY, "connections", "Closed: the worker was over buffer_memory.")
UM_STAT(CLIENTS_CLOSED_IDLE, "connections", "Closed: idle for session_timeout.")
UM_STAT(CLIENTS_CLOSED_PROTOCOL, "connections", "Closed after a protocol error.")
UM_STAT(BYTES_IN, "bytes", "Read from clients.")
UM_STAT(BYTES_OUT, "bytes", "Written to clients.")
UM_STAT(COMMANDS, "requests", "Commands received from clients.")
UM_STAT(COMMANDS_LOCAL, "requests", "Answered by the proxy itself.")
UM_STAT(COMMANDS_FORWARDED, "requests", "Sent to a local Redis.")
UM_STAT(COMMANDS_PEER, "requests", "Sent to a peer proxy (active redirection).")
UM_STAT(COMMANDS_SPLIT, "requests", "Split over several slots and joined.")
UM_STAT(COMMANDS_MOVED, "requests", "Answered with MOVED.")
UM_STAT(COMMANDS_REFUSED, "requests", "Not supported, or never forwarded.")
UM_STAT(COMMANDS_TIMEOUT, "requests", "Answered with an error after backend_timeout.")
UM_STAT(COMMANDS_LOST, "requests", "Answered with an error: connection lost, outcome unknown.")
UM_STAT(COMMANDS_UNSENT, "requests", "Answered with an error: never sent.")
UM_STAT(REPLIES_DROPPED, "replies", "Came after the client had left or had been answered.")
UM_STAT(BACKEND_CONNECTS, "connections", "Connections to Redis or peers made.")
UM_STAT(BACKEND_FAILURES, "connections", "Connections to Redis or peers failed or lost.")
UM_STAT(BACKEND_BYTES_IN, "bytes", "Read from backends.")
UM_STAT(BACKEND_BYTES_OUT, "bytes", "Written to backends.")
UM_STAT(AUTH_FAILURES, "requests", "Wrong passwords.")
UM_STAT(TURNS, "turns", "Turns of the event loop.")
UM_STAT(TOPOLOGY_REFRESHES, "times", "A newer topology was taken from the noticeboard.")
/* clang-format on */
