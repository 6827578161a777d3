/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The one list of names by which rpctee accounts for what it saw.
 *
 * Plain preprocessor text: the tap program, the agent, the JSON output and the metrics are all generated from it,
 * so a name means the same everywhere. Adding a line here adds the counter everywhere.
 */
#ifndef RPCTEE_BPF_ABI_REASONS_H_
#define RPCTEE_BPF_ABI_REASONS_H_

/*
 * How a request that was seen ended. Exactly one of these for each request.
 * X(name, who counts it: K = kernel, A = agent, B = both, what it means)
 */
#define RPCTEE_REQUEST_OUTCOMES(X)                                                                                   \
	X(not_sampled, B,                                                                                            \
	  "the draw was at or above the share of the endpoint (kernel) or of the matching rule (agent)")             \
	X(too_big, K, "the request is longer than max_request_bytes; it was skipped whole")                          \
	X(ring_full, B, "a part of the request did not fit into the ring buffer; the request was dropped whole")     \
	X(gap, A, "bytes of the request were missing from the TCP stream as the tap saw it")                         \
	X(flow_ended, A, "the connection ended inside the request")                                                  \
	X(expired, A, "the rest of the request did not come within the time limit")                                  \
	X(over_memory, A, "the limit on memory for unfinished requests was reached")                                 \
	X(no_route, A, "no route of the endpoint matched, or the matching route has no mirror")                      \
	X(undecodable, A, "a route needed a field that could not be read from the body, and no other route matched") \
	X(already_mirrored, A, "would have been mirrored, but carries the mark of a copy")                           \
	X(dry_run, A, "would have been mirrored, but nothing is sent in a dry run")                                  \
	X(agent_stopped, A, "the agent stopped before the request was complete")                                     \
	X(mirrored, A, "handed to the relay: one or more copies, accounted for below")

/*
 * How one copy ended. Exactly one of these for each copy that a mirrored request made.
 * X(name, what it means)
 */
#define RPCTEE_COPY_OUTCOMES(X)                                                                            \
	X(rule_dry_run, "the rule's policy says dry_run; not sent")                                        \
	X(method_denied, "the rule's policy does not allow the method; not sent")                          \
	X(unmarkable, "a mark is required, and the body has no place for it; not sent")                    \
	X(no_endpoint, "the mirror cluster has no endpoint that can take a request now")                   \
	X(queue_full, "the endpoint's buffer of unsent bytes was full; the newest copy was dropped")       \
	X(over_budget, "the limit on copies a second, bytes a second or unsent bytes was reached")         \
	X(answered_ok, "the mirror answered with a result")                                                \
	X(answered_exception, "the mirror answered with an exception of the method that was called")       \
	X(answered_error, "the mirror answered with an error of the server itself")                        \
	X(oneway_sent, "a one-way request, sent; no answer is expected")                                   \
	X(timed_out, "no answer within the reply timeout")                                                 \
	X(connection_lost, "the connection to the mirror failed before the answer, or before it was sent") \
	X(copy_abandoned, "the agent stopped before the answer came")

/*
 * What the agent's connections to a mirror endpoint went through. These explain, they are not outcomes.
 * X(name, what it counts); cx_ as Envoy says upstream_cx_ where it has the like
 */
#define RPCTEE_MIRROR_COUNTERS(X)                                                                              \
	X(cx_total, "connections that were begun")                                                             \
	X(cx_connect_fail, "connections that were refused, timed out while connecting, or could not be begun") \
	X(cx_failed, "connections lost in the middle of work, or without ever having been of use")             \
	X(cx_closed_idle, "connections that the mirror closed while it owed nothing")                          \
	X(cx_idle_timeout, "connections closed because there was nothing to send for long")                    \
	X(cx_close_notify, "times the mirror asked for no more requests (Dubbo's READONLY)")                   \
	X(cx_protocol_error, "connections closed because what came was no answer, or made no sense")           \
	X(cx_flood, "connections closed because much came and answered nothing")                               \
	X(cx_order_lost, "connections closed because answers that are matched by their order did not come")    \
	X(ejections, "times the endpoint was put out, failed probes included")                                 \
	X(replies_ignored, "answers to nothing that waits: an unknown id, or after the timeout")               \
	X(callbacks_skipped, "requests from the mirror to the agent")                                          \
	X(heartbeats_answered, "heartbeats of the mirror that were answered")                                  \
	X(heartbeats_dropped, "heartbeats of the mirror for whose answer there was no room")                   \
	X(frames_refused, "copies that were not one whole request; they have no endpoint")

/*
 * What the tap program did with packets and frames. These explain, they are not outcomes.
 * X(name, what it counts)
 */
#define RPCTEE_TAP_COUNTERS(X)                                                                                        \
	X(packets, "packets that reached the program")                                                                \
	X(heartbeat_stale, "packets let go because the agent's heartbeat was stale")                                  \
	X(own_packets, "packets of the agent's own connections, by socket mark or address")                           \
	X(not_ip, "packets that are neither IPv4 nor IPv6")                                                           \
	X(not_tcp, "IP packets that are not TCP, or whose TCP header could not be reached")                           \
	X(fragments, "IP fragments, never looked into")                                                               \
	X(malformed, "packets with impossible header lengths")                                                        \
	X(not_endpoint, "TCP packets to an address and port that is no endpoint")                                     \
	X(endpoint_packets, "TCP packets to an endpoint")                                                             \
	X(endpoint_bytes, "TCP payload bytes to an endpoint")                                                         \
	X(no_payload, "packets to an endpoint without payload")                                                       \
	X(retransmitted, "packets to an endpoint that brought only bytes already seen")                               \
	X(seek_packets, "packets with payload on a flow whose frame boundary is unknown")                             \
	X(joins, "flows in whose middle the agent was asked to find where a frame begins")                            \
	X(joins_refused, "packets with such a question that was not asked, because too many were open")               \
	X(joins_failed, "such questions without an answer")                                                           \
	X(ignored_tls, "connections passed over because they begin with TLS")                                         \
	X(ignored_http1, "connections passed over because they begin with HTTP/1")                                    \
	X(ignored_http2, "connections passed over because they begin with HTTP/2, such as Triple")                    \
	X(ignored_telnet, "connections passed over because they begin with text, such as telnet")                     \
	X(ignored_other, "connections passed over because they begin with something else")                            \
	X(ignored_packets, "packets with payload on connections that are passed over")                                \
	X(flow_busy, "packets of a flow that another CPU was working on; they go up for the agent to order")          \
	X(flows_created, "flows on which a request was recognised for the first time")                                \
	X(flow_table_full, "flows that could not be put into the flow table")                                         \
	X(streams, "holes in the sequence of a flow that the agent was asked to mend: SYNC to STREAM")                \
	X(stream_packets, "packets that went up whole, because their flow was in STREAM")                             \
	X(stream_bytes, "payload bytes of these")                                                                     \
	X(handbacks, "flows that the agent mended: STREAM to SYNC")                                                   \
	X(gaps, "holes in the sequence of a flow that were given up; each sends the flow to SEEK")                    \
	X(lost_sync, "times a flow did not bring a valid header where one was due; sends it to SEEK")                 \
	X(walk_limit, "packets with more frames than one run may walk; the rest goes up for the agent to frame")      \
	X(load_failed, "packets whose bytes could not be read")                                                       \
	X(events, "heartbeats and other events towards the endpoint, never mirrored")                                 \
	X(responses, "answers that the consumer sent towards the endpoint, never mirrored")                           \
	X(seen, "requests whose header was seen")                                                                     \
	X(not_sampled, "requests whose draw was at or above the endpoint's threshold")                                \
	X(too_big, "requests over max_request_bytes")                                                                 \
	X(ring_full, "requests whose first part did not fit into the ring")                                           \
	X(sampled, "requests whose first part went into the ring")                                                    \
	X(parts_lost, "later parts that did not fit into the ring; the agent counts the request")                     \
	X(records, "records put into the ring")                                                                       \
	X(record_bytes, "bytes put into the ring, record headers included")                                           \
	X(wakeups, "times the agent was woken up")                                                                    \
	X(replies, "answers of endpoints whose header was seen; only with tap.replies, as all that follow")           \
	X(reply_stale, "packets the other way that were let go because the agent's heartbeat was stale")              \
	X(reply_not_endpoint, "packets the other way that are no TCP from the port of an endpoint")                   \
	X(reply_no_payload, "packets from an endpoint without payload, or that begin or reset a connection")          \
	X(reply_packets, "packets with payload from an endpoint")                                                     \
	X(reply_no_flow, "those of them on a connection on which no request was recognised")                          \
	X(reply_flows, "flows on which an answer was recognised for the first time")                                  \
	X(reply_table_full, "flows whose answers could not be put into their table")                                  \
	X(reply_gaps, "holes in the sequence of an endpoint's answers; the next packet that starts with one goes on") \
	X(reply_lost_sync, "times a flow did not bring an answer's header where one was due")                         \
	X(reply_walk_limit, "packets with more answers than one run may walk")                                        \
	X(reply_busy, "packets with answers of a flow that another CPU was working on; they leave a hole")            \
	X(reply_latency_full, "latencies that the table of latencies had no room for")

#endif /* RPCTEE_BPF_ABI_REASONS_H_ */
