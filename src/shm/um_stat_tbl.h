/*
 * um_stat_tbl.h -- every number a worker tells of itself: id, unit, what it
 * counts, and how Prometheus is told.  Included, with the macros defined to
 * taste, by the enums, INFO, UMCTL STATS, the status module and its manual.
 * The one X-macro of the house.
 *
 *   UM_STAT(id, unit, doc, metric, labels)   only grows
 *   UM_GAUGE(id, unit, doc, metric, labels)  what it is now
 *   UM_FAMILY(metric, help)                  of several rows together
 *
 * The last two words of a row may be left out: the metric is then the id in
 * lower case, with "_total" behind it when it only grows.  The prefix
 * "undermoon_" is put before all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/* clang-format off */
#ifndef UM_STAT
#define UM_STAT(id, unit, doc, ...)
#endif
#ifndef UM_GAUGE
#define UM_GAUGE(id, unit, doc, ...)
#endif
#ifndef UM_FAMILY
#define UM_FAMILY(metric, help)
#endif

UM_STAT(CLIENTS_ACCEPTED, "connections", "Client connections accepted.", "client_connections_accepted_total")
UM_STAT(CLIENTS_REFUSED, "connections", "Refused: max_clients, descriptors or memory.",
    "client_connections_refused_total")
UM_FAMILY("client_connections_closed_total", "Client connections closed by the proxy.")
UM_STAT(CLIENTS_CLOSED_OUTPUT, "connections", "Closed: did not read its replies, over client_output_limit.",
    "client_connections_closed_total", "reason=\"output_limit\"")
UM_STAT(CLIENTS_CLOSED_MEMORY, "connections", "Closed: the worker was over buffer_memory.",
    "client_connections_closed_total", "reason=\"buffer_memory\"")
UM_STAT(CLIENTS_CLOSED_IDLE, "connections", "Closed: idle for session_timeout.",
    "client_connections_closed_total", "reason=\"idle\"")
UM_STAT(CLIENTS_CLOSED_PROTOCOL, "connections", "Closed after a protocol error.",
    "client_connections_closed_total", "reason=\"protocol_error\"")
UM_STAT(BYTES_IN, "bytes", "Read from clients.", "client_received_bytes_total")
UM_STAT(BYTES_OUT, "bytes", "Written to clients.", "client_sent_bytes_total")
UM_STAT(COMMANDS, "requests", "Commands received from clients.", "commands_total")
UM_FAMILY("commands_handled_total", "Commands by what was done with them; the parts of a split one count as forwarded, too.")
UM_STAT(COMMANDS_LOCAL, "requests", "Answered by the proxy itself.", "commands_handled_total", "way=\"self\"")
UM_STAT(COMMANDS_FORWARDED, "requests", "Sent to a local Redis.", "commands_handled_total", "way=\"node\"")
UM_STAT(COMMANDS_PEER, "requests", "Sent to a peer proxy (active redirection).",
    "commands_handled_total", "way=\"peer\"")
UM_STAT(COMMANDS_SPLIT, "requests", "Split over several slots and joined.", "commands_handled_total", "way=\"split\"")
UM_STAT(COMMANDS_BLOCKING, "requests", "May wait: sent over a connection of their own.")
UM_STAT(BLOCKED_LOST, "elements", "Popped for a client that had just left.")
UM_STAT(COMMANDS_MOVED, "requests", "Answered with MOVED.", "commands_handled_total", "way=\"moved\"")
UM_STAT(COMMANDS_REFUSED, "requests", "Not supported, or never forwarded.", "commands_handled_total", "way=\"refused\"")
UM_FAMILY("command_errors_total", "Commands that no Redis answered, by what the client was told.")
UM_STAT(COMMANDS_TIMEOUT, "requests", "Answered with an error after backend_timeout.",
    "command_errors_total", "kind=\"timeout\"")
UM_STAT(COMMANDS_LOST, "requests", "Answered with an error: connection lost, outcome unknown.",
    "command_errors_total", "kind=\"lost\"")
UM_STAT(COMMANDS_UNSENT, "requests", "Answered with an error: never sent.", "command_errors_total", "kind=\"unsent\"")
UM_STAT(REPLIES_DROPPED, "replies", "Came after the client had left or had been answered.",
    "backend_replies_dropped_total")
UM_STAT(BACKEND_CONNECTS, "connections", "Connections to Redis or peers made.", "backend_connections_opened_total")
UM_STAT(BACKEND_FAILURES, "connections", "Connections to Redis or peers failed or lost.",
    "backend_connections_failed_total")
UM_STAT(BACKEND_BYTES_IN, "bytes", "Read from backends.", "backend_received_bytes_total")
UM_STAT(BACKEND_BYTES_OUT, "bytes", "Written to backends.", "backend_sent_bytes_total")
UM_STAT(VALUES_PACKED, "values", "Values compressed on their way to a local Redis.", "values_compressed_total")
UM_STAT(VALUES_UNPACKED, "values", "Values of replies decompressed.", "values_decompressed_total")
UM_STAT(VALUES_UNREADABLE, "values", "Looked compressed, were not, or too long: answered as stored.",
    "values_undecodable_total")
UM_STAT(AUTH_FAILURES, "requests", "Wrong passwords.", "auth_failures_total")
UM_STAT(TURNS, "turns", "Turns of the event loop.", "loop_turns_total")
UM_STAT(TOPOLOGY_REFRESHES, "times", "A newer topology was taken from the noticeboard.", "topology_refreshes_total")

UM_GAUGE(REQUESTS_IN_FLIGHT, "requests", "Requests under way: begun and not answered yet.")
UM_FAMILY("backend_connections", "Connections to local Redis nodes and to peers.")
UM_GAUGE(CONNS_SHARED, "connections", "Connections to local nodes that clients share.",
    "backend_connections", "kind=\"shared\"")
UM_GAUGE(CONNS_PRIVATE, "connections", "Connections to local nodes for one command or client each.",
    "backend_connections", "kind=\"private\"")
UM_GAUGE(CONNS_PEER, "connections", "Connections to peer proxies.", "backend_connections", "kind=\"peer\"")
UM_GAUGE(CONNS_OLD, "connections", "Given up, and not yet confirmed as killed by their Redis.",
    "backend_connections_to_kill")
UM_GAUGE(BACKEND_QUEUE, "bytes", "Bytes that wait to be written to backends.", "backend_queue_bytes")
UM_GAUGE(LOCAL_NODES_DOWN, "nodes", "Local nodes that cannot be reached now.")

#undef UM_STAT
#undef UM_GAUGE
#undef UM_FAMILY
/* clang-format on */
