/* SPDX-License-Identifier: MIT */
/*
 * explain.c - see explain.h. One function a class of call gives the cause and its sentence;
 * severity follows from class and fate.
 */
#include <string.h>
#include "explain_parts.h"
#include "names.h"
#include "util.h"

#define SECOND 1000000000u

const char *explain_severity_name(enum severity s)
{
	static const char *const names[] = {"benign", "suspicious", "failure"};

	return names[s];
}

/* ---- receiving and accepting -------------------------------------------------------------------
 */

static bool timed_out(const struct explain_in *in)
{
	return explain_have(in, FACT_mode) && in->facts->mode == MODE_rcvtimeo;
}

static void explain_recv(const struct explain_in *in, struct explanation *ret)
{
	if (!timed_out(in)) {
		explain_cause(ret, CAUSE_nothing_to_read);
		explain_say(ret, "nothing to read at that moment");
		explain_say_mode(ret, in);
		return;
	}
	explain_cause(ret, CAUSE_receive_timeout);
	explain_say(ret, "nothing came from ");
	if (in->peer_pid)
		explain_say_who(ret, in->peer_pid, in->peer_comm);
	else
		explain_say(ret, "%s", in->target ? in->target : "the peer");
	explain_say_mode(ret, in);
}

static void explain_accept(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, timed_out(in) ? CAUSE_receive_timeout : CAUSE_nothing_pending);
	explain_say(ret,
		    timed_out(in) ? "nobody connected to %s" : "no connection was waiting on %s",
		    explain_target(in));
	explain_say_mode(ret, in);
}

/* ---- processes ----------------------------------------------------------------------------------
 */

static void explain_process(const struct explain_in *in, struct explanation *ret)
{
	const char *name = call_name(in->call);

	explain_cause(ret, CAUSE_process_limit);
	explain_say(ret, "%s could not %s: ", name,
		    !strncmp(name, "set", 3)          ? "change the user"
		    : in->call == CALL_pthread_create ? "make a thread"
						      : "make a process");
	if (explain_have(in, FACT_limit) && in->facts->limit_id != TASKS_unknown) {
		explain_say(ret, "%llu of %llu that %s allows are in use",
			    (unsigned long long)in->facts->in_use,
			    (unsigned long long)in->facts->limit,
			    names_task_limit(in->facts->limit_id));
		return;
	}
	explain_say(ret, "a limit on processes is reached, which one is");
	explain_say_unknown(ret, "limit_name", explain_why(in, WHY_proc));
}

static void explain_move(const struct explain_in *in, struct explanation *ret)
{
	if (explain_moves_input(in))
		explain_recv(in, ret);
	else
		explain_send(in, ret);
}

/* ---- severity ---------------------------------------------------------------------------------
 */

bool explain_spins(uint64_t spun, uint64_t count, uint64_t spun_ns)
{
	return spun > EXPLAIN_SPINS && spun * 2 > count &&
	       (!spun_ns || spun * SECOND / spun_ns > EXPLAIN_SPINS_A_SECOND);
}

static bool locks(const struct explain_in *in, enum call_class class)
{
	return class == CLASS_lock || in->call == CALL_fcntl;
}

static bool got_it_soon(const struct explain_in *in)
{
	return !in->pending && !in->fate[FATE_masked] && in->waited_max_ns <= EXPLAIN_LONG_NS;
}

/* What is put into a pipe or a queue to wake somebody may be left out: that one will wake. */
static bool is_stuck(const struct explain_in *in)
{
	bool connection = in->kind == KIND_unix_stream || in->kind == KIND_unix_seqpacket ||
			  in->kind == KIND_tcp;

	return connection && in->pending_ns > EXPLAIN_LONG_NS;
}

static enum severity severity_of(const struct explain_in *in, enum call_class class)
{
	uint64_t given_up = in->fate[FATE_gave_up] + (in->ended ? in->pending : 0);
	bool reads = class == CLASS_recv || class == CLASS_accept || explain_moves_input(in);
	bool sends = class == CLASS_send || class == CLASS_move;

	if (in->spins)
		return SEVERITY_suspicious;
	if (in->fate[FATE_timed_out])
		return reads ? SEVERITY_suspicious : SEVERITY_failure;
	if (reads)
		return SEVERITY_benign;
	if (class == CLASS_other)
		return explain_other_severity(in);
	if (!sends && class != CLASS_connect && !locks(in, class))
		return SEVERITY_failure; /* no fd to follow: the caller got the error */
	if (given_up || in->fate[FATE_unmasked])
		return SEVERITY_failure;
	if (sends && in->waited_max_ns <= EXPLAIN_LONG_NS && !in->fate[FATE_masked] &&
	    !is_stuck(in))
		return SEVERITY_benign;
	return locks(in, class) && got_it_soon(in) ? SEVERITY_benign : SEVERITY_suspicious;
}

void explain(const struct explain_in *in, struct explanation *ret)
{
	static void (*const by_class[CLASS_COUNT])(const struct explain_in *,
						   struct explanation *) = {
		[CLASS_send] = explain_send,       [CLASS_recv] = explain_recv,
		[CLASS_accept] = explain_accept,   [CLASS_connect] = explain_connect,
		[CLASS_lock] = explain_lock,       [CLASS_open] = explain_open,
		[CLASS_process] = explain_process, [CLASS_exec] = explain_process,
		[CLASS_move] = explain_move,       [CLASS_other] = explain_other,
		[CLASS_close] = explain_send, /* what the stream still had to write */
	};
	enum call_class class = call_class(in->call);

	memset(ret, 0, sizeof(*ret));
	if (in->call == CALL_fcntl)
		explain_lock(in, ret);
	else if (by_class[class])
		by_class[class](in, ret);
	else
		ret->unknown = "no rule for this call";
	if (!*ret->sentence) {
		explain_say(ret, "%s failed with EAGAIN; its cause is", call_name(in->call));
		explain_say_unknown(ret, "cause", ret->unknown);
	}
	if ((class == CLASS_send || class == CLASS_move) && is_stuck(in))
		explain_say(ret, "; it has been waiting for %s now", util_duration(in->pending_ns));
	util_clean(ret->sentence); /* its end may have been cut in the middle of a character */
	ret->severity = severity_of(in, class);
	ret->advice = ret->cause ? explain_advice(ret->cause, in, ret->severity) : NULL;
}
