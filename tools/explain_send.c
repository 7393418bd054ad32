/* SPDX-License-Identifier: MIT */
/*
 * explain_send.c - what could not be sent or written: whose memory is full, and who does not read.
 * A datagram socket that has room of its own fails for its receiver; that is not blamed on it.
 */
#include <string.h>
#include "explain_parts.h"
#include "names.h"

#define TCP_ESTABLISHED_ 1
#define MANY_RETRANSMITS 3

static bool is_unix(uint8_t kind)
{
	return kind == KIND_unix_stream || kind == KIND_unix_dgram || kind == KIND_unix_seqpacket;
}

/* SIOCOUTQ counts memory of the kernel, not bytes of the target. */
static void say_memory(struct explanation *ret, const struct explain_in *in)
{
	if (explain_have(in, FACT_outq) && explain_have(in, FACT_sndbuf)) {
		explain_say(ret, "%llu of %llu bytes of kernel memory in use",
			    (unsigned long long)in->facts->outq_bytes,
			    (unsigned long long)in->facts->sndbuf_bytes);
		return;
	}
	explain_say(ret, "memory in use");
	explain_say_unknown(ret, "queued_bytes", explain_why(in, WHY_socket));
}

/* "its peer, pid 7 (logd)," */
static void say_peer(struct explanation *ret, const struct explain_in *in, const char *role)
{
	explain_say(ret, "its %s", role);
	if (in->peer_pid) {
		explain_say(ret, ", ");
		explain_say_who(ret, in->peer_pid, in->peer_comm);
		explain_say(ret, ",");
		return;
	}
	explain_say(ret, ", pid");
	explain_say_unknown(ret, "peer_pid",
			    in->peer_unknown ? in->peer_unknown : explain_why(in, WHY_socket));
	explain_say(ret, ",");
}

/* " 10.0.0.7:41372", unless what failed goes by that name already. */
static void say_far_address(struct explanation *ret, const struct explain_in *in)
{
	if (in->peer_addr && !(in->target && !strcmp(in->target, in->peer_addr)))
		explain_say(ret, " %s", in->peer_addr);
}

static void say_tcp(struct explanation *ret, const struct explain_in *in)
{
	const struct record_facts *f = in->facts;

	if (!explain_have(in, FACT_tcp)) {
		explain_say(ret, "; the state of the connection");
		explain_say_unknown(ret, "tcp_rwnd", explain_why(in, WHY_socket));
		return;
	}
	if (f->tcp_state > TCP_ESTABLISHED_)
		explain_say(ret, "; the connection is %s", names_tcp_state(f->tcp_state));
	if (f->tcp_rwnd && f->tcp_retransmits > MANY_RETRANSMITS) {
		explain_say(ret, "; the network loses packets");
	} else {
		explain_say(ret, "; the peer");
		say_far_address(ret, in);
		if (in->peer_pid) {
			explain_say(ret, ", ");
			explain_say_who(ret, in->peer_pid, in->peer_comm);
			explain_say(ret, ",");
		}
		explain_say(ret, f->tcp_rwnd ? " reads slower than this sends" : " does not read");
	}
	explain_say(ret, " (unacknowledged %u, window %u, retransmits %u)", f->tcp_unacked,
		    f->tcp_rwnd, f->tcp_retransmits);
}

static void explain_pipe(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_pipe_full);
	explain_say(ret, "the pipe is full");
	explain_say_mode(ret, in);
	explain_say(ret, ": ");
	if (explain_have(in, FACT_pipe) && explain_have(in, FACT_inq)) {
		explain_say(ret, "%llu of %llu bytes unread",
			    (unsigned long long)in->facts->inq_bytes,
			    (unsigned long long)in->facts->pipe_bytes);
	} else {
		explain_say(ret, "its size");
		explain_say_unknown(ret, "pipe_bytes", explain_why(in, WHY_other));
	}
	explain_say(ret, "; ");
	say_peer(ret, in, "reader");
	explain_say(ret, " does not keep up");
}

static void explain_counter(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_queue_full);
	explain_say(ret, in->kind == KIND_eventfd ? "the counter of the eventfd is at its limit"
						  : "the message queue is full");
	explain_say_mode(ret, in);
	explain_say(ret, ": nobody reads it fast enough");
}

/* A datagram socket fails for its receiver's queue unless its own buffer is what is full. */
static bool own_buffer_full(const struct record_facts *f)
{
	return f->outq_bytes + f->asked_bytes >= f->sndbuf_bytes;
}

static void explain_receiver(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_peer_queue_full);
	explain_say(ret, "the receiver of %s has a full queue of datagrams", explain_target(in));
	explain_say_mode(ret, in);
	explain_say(ret, ": ");
	say_peer(ret, in, "process");
	explain_say(ret, " does not read fast enough; ");
	if (in->max_dgram_qlen)
		explain_say(ret, "net.unix.max_dgram_qlen is %u, ", in->max_dgram_qlen);
	explain_say(ret, "and of the sender only ");
	say_memory(ret, in);
}

static void explain_datagram(const struct explain_in *in, struct explanation *ret)
{
	if (!explain_have(in, FACT_outq) || !explain_have(in, FACT_sndbuf)) {
		ret->unknown = explain_why(in, WHY_socket);
	} else if (!own_buffer_full(in->facts)) {
		explain_receiver(in, ret);
	} else {
		explain_cause(ret, CAUSE_send_buffer_full);
		explain_say(ret, "the send buffer is full");
		explain_say_mode(ret, in);
		explain_say(ret, ": ");
		say_memory(ret, in);
		explain_say(ret, ", this datagram of %llu bytes does not fit",
			    (unsigned long long)in->facts->asked_bytes);
	}
}

static void explain_socket(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_send_buffer_full);
	explain_say(ret, in->kind == KIND_tty ? "the terminal takes no more"
					      : "the send buffer is full");
	explain_say_mode(ret, in);
	if (in->kind == KIND_tty)
		return;
	explain_say(ret, ": ");
	say_memory(ret, in);
	if (in->kind == KIND_tcp) {
		say_tcp(ret, in);
	} else if (is_unix(in->kind)) {
		explain_say(ret, "; ");
		say_peer(ret, in, "peer");
		explain_say(ret, " does not read fast enough");
		if (explain_have(in, FACT_peer_unread))
			explain_say(ret, " (%llu bytes unread)",
				    (unsigned long long)in->facts->peer_unread);
	}
}

void explain_send(const struct explain_in *in, struct explanation *ret)
{
	if (in->kind == KIND_pipe_write || in->kind == KIND_fifo)
		explain_pipe(in, ret);
	else if (in->kind == KIND_eventfd || in->kind == KIND_mqueue)
		explain_counter(in, ret);
	else if (in->kind == KIND_unix_dgram)
		explain_datagram(in, ret);
	else
		explain_socket(in, ret);
}
