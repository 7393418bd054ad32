/* SPDX-License-Identifier: MIT */
/* rulefile_text.c - rules in words: what they match, what they do, what they did. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "calls.h"
#include "names.h"
#include "record.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "util.h"

static void calls_text(FILE *out, const struct rule *r)
{
	unsigned n = 0, shown = 0;

	for (unsigned call = 1; call < CALL_COUNT; call++)
		n += rules_has_call(r, call) != 0;
	if (n == CALL_COUNT - 1) {
		fprintf(out, "every call (%u)", n);
		return;
	}
	for (unsigned call = 1; call < CALL_COUNT; call++)
		if (rules_has_call(r, call))
			fprintf(out, "%s%s", shown++ ? ", " : "", call_name(call));
}

static void addr_text(FILE *out, const struct rule *r)
{
	char host[64] = "any address";

	if (r->family)
		inet_ntop(r->family, r->addr, host, sizeof(host));
	fprintf(out, "; to %s", host);
	if (r->family && r->prefix != (r->family == AF_INET ? 32 : 128))
		fprintf(out, "/%u", r->prefix);
	if (r->port_last)
		fprintf(out, ", port %u", r->port_first);
	if (r->port_last != r->port_first)
		fprintf(out, " to %u", r->port_last);
}

static void conditions(FILE *out, const struct rule *r)
{
	unsigned shown = 0;

	if (r->kinds)
		fputs("; on fds that are ", out);
	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (r->kinds >> i & 1)
			fprintf(out, "%s%s", shown++ ? " or " : "", names_kind(i));
	if (*r->path)
		fprintf(out, "; path matches %s", r->path);
	if (r->family || r->port_last)
		addr_text(out, r);
	if (*r->comm)
		fprintf(out, "; in processes called %s", r->comm);
	if (*r->exe)
		fprintf(out, "; in programs %s", r->exe);
	if (r->pid)
		fprintf(out, "; in process %u", r->pid);
	if (*r->caller)
		fprintf(out, "; called from %s", r->caller);
	if (*r->module || *r->function)
		fprintf(out, "; with %s%s%s in the stack",
			*r->function ? r->function : "any function", *r->module ? " of " : "",
			r->module);
	if (r->stack)
		fprintf(out, "; with the one stack %016llx", (unsigned long long)r->stack);
}

static void counting(FILE *out, const struct rule *r)
{
	static const char *const pers[] = {"each process", "the whole tree",
					   "each place of each process", "each thread"};

	if (r->flags & RULE_REPLAY)
		fputs("; exactly when it acted in the replayed session", out);
	else if (r->first == 1 && r->last == UINT64_MAX && r->step == 1)
		fputs("; every time", out);
	else if (r->first == r->last)
		fprintf(out, "; at match %llu", (unsigned long long)r->first);
	else
		fprintf(out, "; from match %llu", (unsigned long long)r->first);
	if (r->last != r->first && r->last != UINT64_MAX)
		fprintf(out, " to %llu", (unsigned long long)r->last);
	if (r->step > 1)
		fprintf(out, ", each %llu.", (unsigned long long)r->step);
	if (r->first != 1 || r->last != UINT64_MAX || r->step != 1)
		fprintf(out, " of %s", pers[r->per]);
	if (r->p)
		fprintf(out, "; with chance %.4g (counted in %s)", r->p / 4294967296.0,
			pers[r->per]);
	if (r->after_ns)
		fprintf(out, "; after %s", util_duration(r->after_ns));
	if (r->until_ns)
		fprintf(out, "; until %s", util_duration(r->until_ns));
}

static void doing(FILE *out, const struct rule *r)
{
	if (r->delay_enter_ns)
		fprintf(out, " wait %s before;", util_duration(r->delay_enter_ns));
	if (r->signo)
		fprintf(out, " send %s;", strsignal(r->signo));
	if (r->flags & RULE_ERROR)
		fprintf(out, " fail with %s;", rules_error_name(r->error));
	if (r->flags & RULE_RETVAL)
		fprintf(out, " return %lld without doing it;", (long long)r->retval);
	if (r->flags & RULE_HALF)
		fputs(" half of the bytes;", out);
	else if (r->short_bytes)
		fprintf(out, " at most %llu bytes;", (unsigned long long)r->short_bytes);
	if (r->delay_exit_ns)
		fprintf(out, " wait %s after;", util_duration(r->delay_exit_ns));
	if (r->action == RULE_retry)
		fprintf(out, " on EAGAIN wait and call again, for up to %s, at most %s in %s%s%s;",
			util_duration(r->for_ns), util_duration(r->budget_ns),
			util_duration(r->window_ns),
			r->flags & RULE_WHOLE ? ", until all bytes are out" : "",
			r->flags & RULE_TIMEOUTS ? ", also after the program's own timeouts" : "");
	if (r->action == RULE_ignore)
		fputs(" leave its failures out of the record;", out);
	if (r->action == RULE_note)
		fputs(" note every call;", out);
}

char *rulefile_explain(const struct rule *r)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return util_copy("?");
	fprintf(out, "%s:", rules_action_name(r->action));
	doing(out, r);
	fputs(" for ", out);
	calls_text(out, r);
	conditions(out, r);
	counting(out, r);
	fclose(out);
	return text;
}

char *rulefile_done(const struct rule *r, const struct rule_counts *c)
{
	unsigned long long acted = c->acted, matched = c->matched;

	if (r->action != RULE_retry)
		return util_format("acted on %llu of %llu match%s", acted, matched,
				   util_plural(matched, "es"));
	return util_format("masked %llu, gave up %llu, waited %s%s%s%s",
			   (unsigned long long)c->masked, (unsigned long long)c->gave_up,
			   util_duration(c->waited_ns), c->loop_ns ? ", of it in event loops " : "",
			   c->loop_ns ? util_duration(c->loop_ns) : "",
			   c->budget ? "; its budget ran out" : "");
}
