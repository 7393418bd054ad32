/* SPDX-License-Identifier: MIT */
/*
 * explain_connect.c - whom connect() did not get through to: how long the queue before the listener
 * is, who is to accept from it, and how long it has not.
 */
#include "explain_parts.h"
#include "util.h"

#define JUST_NOW_NS 10000000u /* below it the coarse clocks say nothing */

static void say_queue(struct explanation *ret, const struct explain_in *in)
{
	uint32_t backlog = in->queue_known ? in->backlog : in->listener_backlog;

	explain_say(ret, ": ");
	if (in->queue_known)
		explain_say(ret, "%u waiting, backlog %u", in->queue, backlog);
	else if (in->now_known)
		explain_say(ret, "%u waiting now, backlog %u", in->now_queue, in->now_backlog);
	else if (in->listener_known)
		explain_say(ret, "backlog %u", backlog);
	if (!in->queue_known && !in->now_known) {
		explain_say(ret, in->listener_known ? ", queue" : "queue and backlog");
		explain_say_unknown(ret, "queue", explain_why(in, WHY_diag));
	}
	if (in->somaxconn && in->listener_known && in->listener_backlog > in->somaxconn)
		explain_say(ret, " (listen() asked for %u, net.core.somaxconn is %u)",
			    in->listener_backlog, in->somaxconn);
}

static void say_listener(struct explanation *ret, const struct explain_in *in)
{
	explain_say(ret, "; ");
	if (!in->listener_known && !in->peer_pid) {
		explain_say(ret, "its process is");
		explain_say_unknown(ret, "listener_pid", "not in this session");
		return;
	}
	if (!in->listener_known) {
		explain_say_who(ret, in->peer_pid, in->peer_comm);
		explain_say(ret, " listens there, time since its last accept");
		explain_say_unknown(ret, "last_accept_age_ns", "not in this session");
		return;
	}
	explain_say_who(ret, in->listener_pid, in->listener_comm);
	if (!in->listener_accepted) {
		explain_say(ret, " had accepted nothing");
		return;
	}
	if (in->listener_last_accept_age_ns < JUST_NOW_NS)
		explain_say(ret, " had accepted just before");
	else
		explain_say(ret, " had not accepted for %s",
			    util_duration(in->listener_last_accept_age_ns));
	if (in->listener_accepts > 1 && in->listener_accepting_ns)
		explain_say(ret, ", %llu in %s until then",
			    (unsigned long long)in->listener_accepts,
			    util_duration(in->listener_accepting_ns));
}

static void explain_ports(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_ports_exhausted);
	explain_say(ret, "no local port is free for %s", explain_target(in));
	if (in->port_first)
		explain_say(ret, ": net.ipv4.ip_local_port_range is %u to %u", in->port_first,
			    in->port_last);
}

void explain_connect(const struct explain_in *in, struct explanation *ret)
{
	if (in->kind == KIND_tcp || in->kind == KIND_udp) {
		explain_ports(in, ret);
		return;
	}
	explain_cause(ret, CAUSE_listener_backlog_full);
	explain_say(ret, "the backlog of listener %s is full", explain_target(in));
	explain_say_mode(ret, in);
	say_queue(ret, in);
	say_listener(ret, in);
}
