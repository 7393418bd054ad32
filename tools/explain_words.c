/* SPDX-License-Identifier: MIT */
/* explain_words.c - see explain_parts.h. What is unknown is always said with its reason. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "explain_parts.h"
#include "names.h"
#include "util.h"

#define TARGET_SHOWN 200

const char *explain_cause_name(enum explain_cause cause)
{
	static const char *const names[] = {
#define X(name, text) text,
		EXPLAIN_CAUSES(X)
#undef X
	};

	return names[cause];
}

void explain_cause(struct explanation *ret, enum explain_cause cause)
{
	ret->cause = explain_cause_name(cause);
}

__attribute__((format(printf, 3, 0))) static void append(char *s, size_t size, const char *format,
							 va_list args)
{
	size_t n = strlen(s);

	vsnprintf(s + n, size - n, format, args);
}

void explain_say(struct explanation *ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append(ret->sentence, sizeof(ret->sentence), format, args);
	va_end(args);
}

/* Of a long path the end tells most, and the sentence goes on after it. */
const char *explain_target(const struct explain_in *in)
{
	static char cut[TARGET_SHOWN + 4];
	size_t n = in->target ? strlen(in->target) : 0;
	const char *tail;

	if (n <= TARGET_SHOWN)
		return in->target ? in->target : "an unknown target";
	tail = in->target + n - TARGET_SHOWN;
	while ((*tail & 0xc0) == 0x80) /* not in the middle of a character */
		tail++;
	snprintf(cut, sizeof(cut), "...%s", tail);
	return cut;
}

void explain_say_mode(struct explanation *ret, const struct explain_in *in)
{
	bool timed, other = in->set_by_pid && in->set_by_pid != in->pid;

	if (!explain_have(in, FACT_mode))
		return;
	timed = in->facts->mode == MODE_sndtimeo || in->facts->mode == MODE_rcvtimeo;
	explain_say(ret, " (%s", names_mode(in->facts->mode));
	if (timed)
		explain_say(ret, " of %s ran out on a blocking socket",
			    util_duration(in->facts->timeout_ns));
	if (other && in->facts->mode != MODE_dontwait) {
		explain_say(ret, ", set by ");
		explain_say_who(ret, in->set_by_pid, in->set_by_comm);
	}
	explain_say(ret, ")");
}

void explain_say_who(struct explanation *ret, int pid, const char *comm)
{
	explain_say(ret, "pid %d", pid);
	if (comm)
		explain_say(ret, " (%s)", comm);
}

/* Under a filter nothing is asked at all: every group says EPERM. */
static bool filtered(const struct record_facts *f)
{
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (f->why[i] != EPERM)
			return false;
	return true;
}

/* group -1: any. See probe_aside.h for what it takes to ask. */
static const struct {
	int group, error;
	const char *text;
} reasons[] = {
	{-1, EMFILE, "no fd was free to ask with"},
	{-1, ENFILE, "no fd was free to ask with"},
	{-1, EAGAIN, "no thread could be made to ask with"},
	{-1, EBUSY, "another thread was asking"},
	{-1, ETIMEDOUT, "looking took too long"},
	{WHY_diag, ENOENT, "no such socket in this network namespace"},
	{WHY_diag, ENOTCONN, "it has no peer"},
};

const char *explain_why(const struct explain_in *in, enum facts_why group)
{
	if (!in->facts)
		return "no facts were taken";
	if (filtered(in->facts))
		return "not asked under a seccomp filter";
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (in->facts->why[group] == reasons[i].error &&
		    (reasons[i].group == (int)group || reasons[i].group < 0))
			return reasons[i].text;
	if (in->facts->why[group])
		return strerror((int)in->facts->why[group]);
	return "the kernel does not say";
}

void explain_say_unknown(struct explanation *ret, const char *evidence, const char *why)
{
	size_t n = strlen(ret->why_unknown);

	explain_say(ret, " unknown (%s)", why);
	snprintf(ret->why_unknown + n, sizeof(ret->why_unknown) - n, "%s%s: %s", n ? "; " : "",
		 evidence, why);
}
