/* SPDX-License-Identifier: MIT */
/*
 * explain.c - see explain.h. One function a class of call gives the cause and its sentence;
 * severity follows from class and fate.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "explain.h"
#include "names.h"
#include "util.h"

#define SECOND 1000000000u

const char *explain_severity_name(enum severity s)
{
	static const char *const names[] = {"benign", "suspicious", "failure"};

	return names[s];
}

static bool have(const struct explain_in *in, enum facts_bit bit)
{
	return in->facts && in->facts->have & 1u << bit;
}

static const char *target(const struct explain_in *in)
{
	return in->target ? in->target : "an unknown target";
}

/* " (O_NONBLOCK)", or the timeout that ran out; "" when the mode is unknown. */
static const char *mode(const struct explain_in *in)
{
	static char s[96];

	if (!have(in, FACT_mode))
		return "";
	if (in->facts->mode == MODE_sndtimeo || in->facts->mode == MODE_rcvtimeo)
		snprintf(s, sizeof(s), " (%s of %s ran out on a blocking socket)",
			 names_mode(in->facts->mode), util_duration(in->facts->timeout_ns));
	else
		snprintf(s, sizeof(s), " (%s)", names_mode(in->facts->mode));
	return s;
}

static const char *who(int pid, const char *comm)
{
	static char s[4][64];
	static unsigned at;
	char *to = s[at++ % 4];

	if (pid)
		snprintf(to, sizeof(s[0]), "pid %d%s%s%s", pid, comm ? " (" : "", comm ? comm : "",
			 comm ? ")" : "");
	else
		snprintf(to, sizeof(s[0]), "an unknown process");
	return to;
}

#define SAY(ret, ...) snprintf((ret)->sentence, sizeof((ret)->sentence), __VA_ARGS__)

/* ---- sending ----------------------------------------------------------------------------------
 */

static void memory_text(const struct explain_in *in, char *s, size_t size)
{
	*s = '\0';
	if (have(in, FACT_outq) && have(in, FACT_sndbuf))
		snprintf(s, size, "; %llu of %llu bytes of its memory in use",
			 (unsigned long long)in->facts->outq_bytes,
			 (unsigned long long)in->facts->sndbuf_bytes);
}

static void tcp_text(const struct explain_in *in, char *s, size_t size)
{
	*s = '\0';
	if (!have(in, FACT_tcp))
		return;
	snprintf(s, size, "; %s (unacknowledged %u, window %u, retransmits %u)",
		 in->facts->tcp_rwnd == 0         ? "the peer does not read"
		 : in->facts->tcp_retransmits > 3 ? "the network loses packets"
						  : "the peer reads slower than this sends",
		 in->facts->tcp_unacked, in->facts->tcp_rwnd, in->facts->tcp_retransmits);
}

/* A datagram socket fails for its peer's queue unless its own buffer is what is full. */
static bool own_buffer_full(const struct explain_in *in)
{
	const struct record_facts *f = in->facts;

	return have(in, FACT_outq) && have(in, FACT_sndbuf) &&
	       f->outq_bytes + f->asked_bytes >= f->sndbuf_bytes;
}

static void explain_send(const struct explain_in *in, struct explanation *ret)
{
	char memory[96], tcp[128];

	memory_text(in, memory, sizeof(memory));
	tcp_text(in, tcp, sizeof(tcp));
	if (in->kind == KIND_pipe_write || in->kind == KIND_fifo) {
		ret->cause = "pipe-full";
		SAY(ret, "the pipe is full%s%s: its reader does not keep up", mode(in),
		    have(in, FACT_pipe) ? "" : ", size unknown");
	} else if (in->kind == KIND_eventfd || in->kind == KIND_mqueue) {
		ret->cause = "queue-full";
		SAY(ret, "the %s is full%s", names_kind(in->kind), mode(in));
	} else if (in->kind == KIND_unix_dgram && !in->facts) {
		ret->unknown = "no facts were taken";
	} else if (in->kind == KIND_unix_dgram && !own_buffer_full(in)) {
		ret->cause = "peer-queue-full";
		SAY(ret, "the receiver of %s has a full queue of datagrams%s: %s does not read",
		    target(in), mode(in), who(in->peer_pid, in->peer_comm));
	} else {
		ret->cause = "send-buffer-full";
		SAY(ret, "the send buffer is full%s: the peer%s%s does not read fast enough%s%s",
		    mode(in), in->peer_pid ? ", " : "",
		    in->peer_pid ? who(in->peer_pid, in->peer_comm) : "", memory, tcp);
	}
}

/* ---- receiving and accepting -------------------------------------------------------------------
 */

static void explain_recv(const struct explain_in *in, struct explanation *ret)
{
	if (have(in, FACT_mode) && in->facts->mode == MODE_rcvtimeo) {
		ret->cause = "receive-timeout";
		SAY(ret, "nothing came from %s%s",
		    in->peer_pid ? who(in->peer_pid, in->peer_comm) : "the peer", mode(in));
	} else {
		ret->cause = "nothing-to-read";
		SAY(ret, "nothing to read at that moment%s", mode(in));
	}
}

static void explain_accept(const struct explain_in *in, struct explanation *ret)
{
	if (have(in, FACT_mode) && in->facts->mode == MODE_rcvtimeo) {
		ret->cause = "receive-timeout";
		SAY(ret, "nobody connected to %s%s", target(in), mode(in));
	} else {
		ret->cause = "nothing-pending";
		SAY(ret, "no connection was waiting on %s%s", target(in), mode(in));
	}
}

/* ---- connecting -------------------------------------------------------------------------------
 */

static void queue_text(const struct explain_in *in, char *s, size_t size)
{
	uint32_t backlog = in->queue_known ? in->backlog : in->listener_backlog;

	*s = '\0';
	if (in->queue_known)
		snprintf(s, size, ": %u waiting, backlog %u", in->queue, backlog);
	else if (in->listener_known)
		snprintf(s, size, ": backlog %u, queue unknown", backlog);
}

static void explain_connect(const struct explain_in *in, struct explanation *ret)
{
	char queue[64], accept[96] = "";

	if (in->kind == KIND_tcp || in->kind == KIND_udp) {
		ret->cause = "ports-exhausted";
		SAY(ret, "no local port is free for %s", target(in));
		return;
	}
	ret->cause = "listener-backlog-full";
	queue_text(in, queue, sizeof(queue));
	if (in->listener_known && in->listener_accepted)
		snprintf(accept, sizeof(accept), ", last accepted %s before the failure",
			 util_duration(in->listener_last_accept_age_ns));
	else if (in->listener_known)
		snprintf(accept, sizeof(accept), ", has accepted nothing");
	SAY(ret, "the backlog of listener %s is full%s%s; %s%s", target(in), mode(in), queue,
	    in->listener_known ? who(in->listener_pid, in->listener_comm)
			       : "its process is unknown (not in this session)",
	    accept);
}

/* ---- locks, leases, processes -------------------------------------------------------------------
 */

static void explain_lock(const struct explain_in *in, struct explanation *ret)
{
	ret->cause = "lock-held";
	if (in->holder_pid)
		SAY(ret, "%s is locked by %s%s%s%s", target(in),
		    who(in->holder_pid, in->holder_comm), in->holder_cmdline ? ": " : "",
		    in->holder_cmdline ? in->holder_cmdline : "",
		    have(in, FACT_holder) ? "" : " (looked up after the failure)");
	else
		SAY(ret, "%s is locked; holder unknown (%s)", target(in),
		    in->holder_unknown ? in->holder_unknown : "not found");
}

static void explain_open(const struct explain_in *in, struct explanation *ret)
{
	ret->cause = "lease-held";
	SAY(ret, "%s is leased by another process, which is being asked to give it back",
	    target(in));
}

static void explain_process(const struct explain_in *in, struct explanation *ret)
{
	ret->cause = "process-limit";
	SAY(ret,
	    "%s could not make a process: a limit on processes is reached (which one: unknown)",
	    names_call(in->call));
}

/* ---- severity ---------------------------------------------------------------------------------
 */

static bool spinning(const struct explain_in *in)
{
	uint64_t spun = in->fate[FATE_spun];

	return spun > 100 && spun * 10 > in->count &&
	       (!in->duration_ns || spun * SECOND / in->duration_ns > 1000);
}

static enum severity severity_of(const struct explain_in *in, enum call_class class)
{
	uint64_t given_up = in->fate[FATE_gave_up] + (in->ended ? in->pending : 0);
	bool reads = class == CLASS_recv || class == CLASS_accept;

	if (spinning(in))
		return SEVERITY_suspicious;
	if (in->fate[FATE_timed_out])
		return reads ? SEVERITY_suspicious : SEVERITY_failure;
	if (reads)
		return SEVERITY_benign;
	if (class != CLASS_send && class != CLASS_connect && class != CLASS_lock &&
	    in->call != CALL_fcntl)
		return SEVERITY_failure; /* no fd to follow: the caller got the error */
	if (given_up)
		return SEVERITY_failure;
	if (class != CLASS_send || in->waited_max_ns > SECOND)
		return SEVERITY_suspicious;
	return SEVERITY_benign;
}

void explain(const struct explain_in *in, struct explanation *ret)
{
	static void (*const by_class[CLASS_COUNT])(const struct explain_in *,
						   struct explanation *) = {
		[CLASS_send] = explain_send,       [CLASS_recv] = explain_recv,
		[CLASS_accept] = explain_accept,   [CLASS_connect] = explain_connect,
		[CLASS_lock] = explain_lock,       [CLASS_open] = explain_open,
		[CLASS_process] = explain_process, [CLASS_exec] = explain_process,
	};
	enum call_class class = names_class(in->call);

	memset(ret, 0, sizeof(*ret));
	if (in->call == CALL_fcntl)
		explain_lock(in, ret);
	else if (by_class[class])
		by_class[class](in, ret);
	else
		ret->unknown = "no rule for this call";
	if (!*ret->sentence)
		SAY(ret, "%s failed with EAGAIN; cause unknown (%s)", names_call(in->call),
		    ret->unknown ? ret->unknown : "no facts");
	ret->severity = severity_of(in, class);
	ret->advice = ret->cause ? explain_advice(ret->cause, in, ret->severity) : NULL;
}
