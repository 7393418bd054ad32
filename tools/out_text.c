/* SPDX-License-Identifier: MIT */
/*
 * out_text.c - the report for people: worst first, folded by site, one screen unless asked for all.
 */
#include <stdlib.h>
#include <string.h>
#include "names.h"
#include "out_page.h"
#include "term.h"
#include "util.h"

#define FINDINGS_SHOWN 5 /* of a kind */
#define AT_EXIT_WHOLE 2  /* so few are shown with their stacks: a test that forgot one */

/* ---- findings ---------------------------------------------------------------------------------
 */

static void print_fates(struct out_page *p, const struct model_eagain *e)
{
	const char *comma = "";

	fprintf(p->to, "     %llu time%s in ", (unsigned long long)e->count,
		util_plural(e->count, "s"));
	out_page_pids(p, &e->pids);
	fprintf(p->to, "; then: ");
	for (unsigned i = 0; i < FATE_COUNT; i++) {
		if (!e->fate[i])
			continue;
		fprintf(p->to, "%s%s %llu", comma, names_fate(i), (unsigned long long)e->fate[i]);
		comma = ", ";
	}
	if (e->pending)
		fprintf(p->to, "%s%s %llu", comma,
			model_all_ended(p->m, &e->pids) ? "till its end" : "pending",
			(unsigned long long)e->pending);
	if (e->spins && e->spun_ns)
		fprintf(p->to, ", %.0f spins a second",
			(double)e->fate[FATE_spun] * 1e9 / (double)e->spun_ns);
	if (e->waited_max_ns)
		fprintf(p->to, ", longest wait %s", util_duration(e->waited_max_ns));
	fputc('\n', p->to);
}

/* That the process itself asked for it is no news. */
static void print_setter(struct out_page *p, const struct model_eagain *e)
{
	bool other = e->set_pid && e->has_facts && e->set_pid != e->facts_pid;

	if (!e->set_pid || !(other || p->o->all) || e->facts.mode == MODE_dontwait)
		return;
	fprintf(p->to, "     %s was set by %s %d at\n", names_mode(e->facts.mode),
		e->set_comm ? e->set_comm : "pid", e->set_pid);
	out_page_stack(p, e->mode_stack);
}

static void print_failure(struct out_page *p, const struct model_eagain *e)
{
	static const enum term_style styles[] = {TERM_dim, TERM_yellow, TERM_red};
	char *what = util_format("%s %s: %s", explain_severity_name(e->why.severity),
				 names_call_plain(e->call), e->why.cause ? e->why.cause : "EAGAIN");

	out_page_heading(p, styles[e->why.severity], what);
	fprintf(p->to, "%s\n", e->target ? e->target : "");
	fprintf(p->to, "     %s\n", e->why.sentence);
	print_fates(p, e);
	out_page_stack(p, e->stack);
	print_setter(p, e);
	if (e->listener != MODEL_NONE && p->m->listeners[e->listener].listen_stack != MODEL_NONE &&
	    p->o->all) {
		fprintf(p->to, "     listen() was called at\n");
		out_page_stack(p, p->m->listeners[e->listener].listen_stack);
	}
	out_present(p, e);
	if (e->why.advice)
		fprintf(p->to, "     %sadvice:%s %s\n", term_on(TERM_bold), term_off(),
			e->why.advice);
	free(what);
}

static void print_failures(struct out_page *p)
{
	unsigned left = p->o->all ? ~0u : FINDINGS_SHOWN, hidden = 0;

	for (size_t i = 0; i < p->m->eagains_count; i++) {
		const struct model_eagain *e = &p->m->eagains[i];

		if (p->o->call && p->o->call != e->call)
			continue;
		if (!p->o->all && !p->o->call && e->why.severity == SEVERITY_benign)
			continue;
		if (left && left--)
			print_failure(p, e);
		else
			hidden++;
	}
	if (hidden)
		fprintf(p->to, "\n    %u more like these: --all\n", hidden);
}

static bool is_at_exit(const struct out_page *p, const struct model_fds *f)
{
	return f->verdict.kind == VERDICT_at_exit && !f->listening && !f->suppressed &&
	       !(p->o->call && p->o->call != f->call);
}

static unsigned count_at_exit(const struct out_page *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->m->fds_count; i++)
		n += is_at_exit(p, &p->m->fds[i]);
	return n;
}

static bool worth_showing(const struct out_page *p, const struct model_fds *f, unsigned at_exit)
{
	if (f->suppressed || (p->o->call && p->o->call != f->call))
		return false;
	return p->o->all || f->verdict.kind >= VERDICT_idle ||
	       (at_exit <= AT_EXIT_WHOLE && is_at_exit(p, f));
}

static void print_fds(struct out_page *p, const struct model_fds *f)
{
	char *what = util_format("%s %s of %s:", verdict_name(f->verdict.kind), names_kind(f->kind),
				 names_call_plain(f->call));

	out_page_heading(p,
			 f->verdict.kind == VERDICT_leak      ? TERM_red
			 : f->verdict.kind == VERDICT_growing ? TERM_yellow
							      : TERM_dim,
			 what);
	fprintf(p->to, "%s\n     ", f->verdict.reason);
	out_page_pids(p, &f->pids);
	for (size_t i = 0; i < f->target_count && i < 3; i++)
		fprintf(p->to, "%s%s", i ? ", " : "; ", f->targets[i]);
	fprintf(p->to, "%s\n", f->target_count > 3 ? ", ..." : "");
	out_states(p->to, p->m, (uint32_t)(f - p->m->fds));
	out_page_stack(p, f->stack);
	if (f->other_ways)
		fprintf(p->to, "       (and %u other way%s to get there)\n", f->other_ways,
			util_plural(f->other_ways, "s"));
	free(what);
}

/* A daemon leaves its log, its pipes and its epoll fd to the kernel: a line each, no finding. */
static void print_at_exit(struct out_page *p, unsigned n)
{
	unsigned left = FINDINGS_SHOWN;

	fprintf(p->to, "\nOpen at the end, and not rising before, at %u place%s:\n", n,
		util_plural(n, "s"));
	for (size_t i = 0; i < p->m->fds_count && left; i++) {
		const struct model_fds *f = &p->m->fds[i];

		if (!is_at_exit(p, f))
			continue;
		fprintf(p->to, "     %llu %s of %s at ", (unsigned long long)f->open,
			names_kind(f->kind), names_call_plain(f->call));
		out_page_place(p, f->stack);
		fprintf(p->to, "%s%s%s\n", f->target_count ? ": " : "",
			f->target_count ? f->targets[0] : "", f->target_count > 1 ? ", ..." : "");
		left--;
	}
	fprintf(p->to, "     %s\n",
		n > FINDINGS_SHOWN ? "more, and stacks: --all" : "stacks: --all");
}

static void print_births(struct out_page *p)
{
	unsigned left = p->o->all ? ~0u : FINDINGS_SHOWN, hidden = 0, at_exit = count_at_exit(p);

	for (size_t i = 0; i < p->m->fds_count; i++) {
		if (!worth_showing(p, &p->m->fds[i], at_exit))
			continue;
		if (left && left--)
			print_fds(p, &p->m->fds[i]);
		else
			hidden++;
	}
	if (hidden)
		fprintf(p->to, "\n    %u more birth sites: --all\n", hidden);
	if (at_exit > AT_EXIT_WHOLE && !p->o->all)
		print_at_exit(p, at_exit);
}

static void print_limit(struct out_page *p, const struct model_eagain *e, const char *advised)
{
	out_page_heading(p, TERM_red,
			 e->error == 24 ? "too many open files (EMFILE):"
					: "file table overflow (ENFILE):");
	fprintf(p->to, "%s%s%s, %llu time%s in ", names_call_plain(e->call),
		e->target ? " on " : "", e->target ? e->target : "", (unsigned long long)e->count,
		util_plural(e->count, "s"));
	out_page_pids(p, &e->pids);
	fprintf(p->to, "\n     %s\n", e->limit.sentence);
	out_page_stack(p, e->stack);
	out_at_limit(p->to, p->m, p->s, e);
	if (!advised || strcmp(advised, e->limit.advice))
		fprintf(p->to, "     %sadvice:%s %s\n", term_on(TERM_bold), term_off(),
			e->limit.advice);
}

static void print_limits(struct out_page *p)
{
	const char *advised = NULL;

	for (size_t i = 0; i < p->m->limits_count; i++) {
		const struct model_eagain *e = &p->m->limits[i];

		if (p->o->call && p->o->call != e->call)
			continue;
		print_limit(p, e, advised);
		advised = e->limit.advice;
	}
}

/* ---- the frame around them ----------------------------------------------------------------------
 */

static void print_head(struct out_page *p, const struct model_summary *t)
{
	const struct model *m = p->m;
	uint64_t until = m->live ? m->now_ns : m->last_ns;

	fprintf(p->to, "%sfdwhy: %s%s\n", term_on(TERM_bold), m->command ? m->command : p->o->name,
		term_off());
	fprintf(p->to, "%llu process%s (%llu alive), over %s: ", (unsigned long long)t->processes,
		util_plural(t->processes, "es"), (unsigned long long)t->alive,
		util_duration(m->start_ns && until > m->start_ns ? until - m->start_ns : 0));
	fprintf(p->to, "%llu failing and %llu suspicious place%s, %llu leak%s, %llu misuse%s\n",
		(unsigned long long)t->failures, (unsigned long long)t->suspicious,
		util_plural(t->suspicious, "s"), (unsigned long long)t->leaks,
		util_plural(t->leaks, "s"), (unsigned long long)t->misuse,
		t->limits ? ", at the limit of open files" : "");
}

static void print_totals(struct out_page *p, const struct model_summary *t)
{
	unsigned long long places = t->failures + t->suspicious + t->benign;
	uint64_t opened = 0, closed = 0;

	for (size_t i = 0; i < p->m->processes_count; i++) {
		opened += p->m->processes[i].births;
		closed += p->m->processes[i].deaths;
	}
	fprintf(p->to,
		"\nTotals: %llu EAGAIN at %llu place%s (%llu benign); %llu fds opened, %llu "
		"closed, "
		"%llu "
		"open%s%s\n",
		(unsigned long long)t->eagains, places, util_plural(places, "s"),
		(unsigned long long)t->benign, (unsigned long long)opened,
		(unsigned long long)closed, (unsigned long long)t->open,
		p->m->live ? " now" : " at the end",
		t->processes > 1 && t->open + closed > opened ? ", inherited ones in each process"
							      : "");
}

/* The same thing not seen in many processes is one line: how often, in how many. */
static bool said_before(const struct out_page *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(p->m->coverage[k].what, p->m->coverage[i].what))
			return true;
	return false;
}

static void print_unseen(struct out_page *p, size_t i, bool first)
{
	const struct model_coverage *c = &p->m->coverage[i];
	uint64_t count = 0;
	size_t processes = 0;

	for (size_t k = i; k < p->m->coverage_count; k++) {
		const struct model_coverage *x = &p->m->coverage[k];

		if (k != i && (p->o->all || strcmp(x->what, c->what)))
			continue;
		count += x->count;
		processes++;
	}
	fprintf(p->to, "%s", first ? "Not seen: " : "          ");
	if (c->pid && processes == 1)
		fprintf(p->to, "pid %d: ", c->pid);
	fprintf(p->to, "%s", c->what);
	if (count > 1)
		fprintf(p->to, " (%llu times", (unsigned long long)count);
	if (processes > 1)
		fprintf(p->to, " in %zu processes", processes);
	fputs(count > 1 ? ")\n" : "\n", p->to);
}

static void print_coverage(struct out_page *p)
{
	size_t shown = 0, most = p->o->all ? p->m->coverage_count : 4, i;

	for (i = 0; i < p->m->coverage_count && shown < most; i++) {
		if (!p->o->all && said_before(p, i))
			continue;
		print_unseen(p, i, !shown);
		shown++;
	}
	while (i < p->m->coverage_count && !p->o->all && said_before(p, i))
		i++;
	if (i < p->m->coverage_count)
		fprintf(p->to, "          more: --all\n");
}

static void print_processes(struct out_page *p)
{
	static const char *const how[] = {"running", "exited", "killed by signal", "lost"};

	fprintf(p->to, "\n%7s %7s %-16s %8s %8s %8s %8s  end\n", "PID", "PPID", "COMMAND", "OPENED",
		"CLOSED", "OPEN", "EAGAIN");
	for (size_t i = 0; i < p->m->processes_count; i++) {
		const struct model_process *x = &p->m->processes[i];
		int code = x->how == HOW_exited ? x->status : x->how == HOW_killed ? x->signal : -1;

		fprintf(p->to, "%7d %7d %-16s %8llu %8llu %8u %8llu  %s", x->pid, x->ppid, x->comm,
			(unsigned long long)x->births, (unsigned long long)x->deaths, x->fds_open,
			(unsigned long long)x->eagains, how[x->how]);
		if (code >= 0)
			fprintf(p->to, " %d", code);
		fputc('\n', p->to);
	}
}

static void print_problems(struct out_page *p)
{
	for (uint32_t i = 0; i < p->m->modules_count; i++) {
		const char *problem = symbols_problem(p->s, i);

		if (problem && p->m->modules[i].path &&
		    strcmp(out_page_base(p->m->modules[i].path), "linux-vdso.so.1"))
			fprintf(p->to, "No symbols: %s: %s\n", p->m->modules[i].path, problem);
	}
}

void out_text(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o)
{
	struct out_page p = {.to = to, .m = m, .s = s, .o = o};
	struct model_summary t;

	model_summarize(m, &t);
	print_head(&p, &t);
	print_limits(&p);
	print_failures(&p);
	out_shorts(&p);
	out_misuse(&p);
	print_births(&p);
	out_children(&p);
	out_rules(&p);
	print_totals(&p, &t);
	if (m->quarantine)
		fprintf(to, "Quarantine: up to %u closed numbers were held back\n", m->quarantine);
	if (t.suppressed)
		fprintf(to, "Suppressed: %llu place%s\n", (unsigned long long)t.suppressed,
			util_plural(t.suppressed, "s"));
	if (o->all)
		print_processes(&p);
	print_coverage(&p);
	print_problems(&p);
}
