/* SPDX-License-Identifier: MIT */
/*
 * explain_lock.c - locks and leases: who holds what was asked for. The process that took a lock may
 * be gone while a child that inherited its descriptor holds it.
 */
#include "explain_parts.h"
#include "util.h"

static const char *holder_unknown(const struct explain_in *in)
{
	return in->holder_unknown ? in->holder_unknown : explain_why(in, WHY_proc);
}

static void say_holder(struct explanation *ret, const struct explain_in *in)
{
	if (in->holder_pid == in->pid) {
		explain_say(ret, "this process itself, pid %d, through another descriptor",
			    in->pid);
		return;
	}
	explain_say_who(ret, in->holder_pid, in->holder_comm);
	if (in->holder_cmdline)
		explain_say(ret, ": %s", in->holder_cmdline);
	if (in->holder_runs_ns)
		explain_say(ret, ", which started %s before", util_duration(in->holder_runs_ns));
	if (in->holder_taker)
		explain_say(ret, "; it inherited the descriptor from pid %d, which is gone",
			    in->holder_taker);
	if (in->holder_let_go)
		explain_say(ret, " (by its record: it has let go since)");
	else if (!explain_have(in, FACT_holder))
		explain_say(ret, " (looked up after the failure)");
}

/* Length 0 is to the end of the file, fcntl(2). */
static void say_range(struct explanation *ret, const struct explain_in *in)
{
	const struct record_facts *f = in->facts;

	if (!explain_have(in, FACT_range) || (!f->range_start && !f->range_len))
		return;
	if (f->range_len)
		explain_say(ret, " in bytes %llu to %llu", (unsigned long long)f->range_start,
			    (unsigned long long)(f->range_start + f->range_len - 1));
	else
		explain_say(ret, " from byte %llu", (unsigned long long)f->range_start);
}

void explain_lock(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_lock_held);
	explain_say(ret, "%s is locked", explain_target(in));
	if (in->holder_mode)
		explain_say(ret, " (%s)", in->holder_mode);
	say_range(ret, in);
	if (in->holder_pid) {
		explain_say(ret, " by ");
		say_holder(ret, in);
		return;
	}
	explain_say(ret, "; holder");
	explain_say_unknown(ret, "holder_pid", holder_unknown(in));
}

void explain_open(const struct explain_in *in, struct explanation *ret)
{
	explain_cause(ret, CAUSE_lease_held);
	explain_say(ret, "%s is leased by ", explain_target(in));
	if (in->holder_pid) {
		say_holder(ret, in);
	} else {
		explain_say(ret, "a process");
		explain_say_unknown(ret, "holder_pid", holder_unknown(in));
	}
	explain_say(ret, ", which is being asked to give it back");
	if (in->lease_break_s)
		explain_say(ret, "; the kernel takes it after %u s (fs.lease-break-time)",
			    in->lease_break_s);
}
