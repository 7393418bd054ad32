/* SPDX-License-Identifier: MIT */
/*
 * sweep_judge.c - what a run shows that the run without failures did not. A test that gives up and
 * says so by its exit status has met the failure well: what it then leaves open is not held
 * against it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "names.h"
#include "sweep.h"
#include "util.h"

#define OUTPUT_LOOKED_AT (4u << 20) /* from the end of what a run printed */

static const char *const names[] = {
#define X(n, s) #n,
	SWEEP_FINDINGS(X)
#undef X
};

const char *sweep_finding_name(enum sweep_finding_kind kind)
{
	return kind < SWEEP_KINDS ? names[kind] : "?";
}

static void find(struct sweep_case *c, enum sweep_finding_kind kind, char *text, char *stack)
{
	struct sweep_finding *f = UTIL_PUSH(c->findings, c->findings_count, c->findings_room);

	*f = (struct sweep_finding){.kind = kind, .text = text, .stack = stack};
}

static int exit_of(const struct sweep_job *j)
{
	return WIFSIGNALED(j->status) ? 128 + WTERMSIG(j->status) : WEXITSTATUS(j->status);
}

/* ---- crashes, hangs ---------------------------------------------------------------------------
 */

bool sweep_is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGABRT || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGSYS || signo == SIGTRAP;
}

static void judge_crashes(struct sweep_case *c, const struct sweep_job *j, const struct model *m)
{
	bool any = false;

	for (size_t i = 0; i < m->processes_count; i++) {
		const struct model_process *p = &m->processes[i];

		if (p->how != HOW_killed || !sweep_is_fault(p->signal))
			continue;
		any = true;
		find(c, SWEEP_crash,
		     util_format("%s %d was killed by %s", p->comm ? p->comm : "process", p->pid,
				 names_signal(p->signal)),
		     NULL);
	}
	/* A shell says so of its children by its own status. */
	if (!any && exit_of(j) > 128 && sweep_is_fault(exit_of(j) - 128))
		find(c, SWEEP_crash,
		     util_format("the test ended with %s", names_signal(exit_of(j) - 128)), NULL);
}

/* ---- what it printed --------------------------------------------------------------------------
 */

static char *tail_of(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = util_alloc(1, OUTPUT_LOOKED_AT + 1);
	size_t n = 0;

	if (f) {
		fseek(f, 0, SEEK_END);
		if (ftell(f) > (long)OUTPUT_LOOKED_AT)
			fseek(f, -(long)OUTPUT_LOOKED_AT, SEEK_END);
		else
			rewind(f);
		n = fread(text, 1, OUTPUT_LOOKED_AT, f);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n] = '\0';
	return text;
}

static void judge_output(struct sweep_case *c, const struct sweep_job *j)
{
	static const char *const words[] = {
		"ERROR: AddressSanitizer",  "ERROR: LeakSanitizer",   "WARNING: ThreadSanitizer",
		"WARNING: MemorySanitizer", ": runtime error: ",      "== Invalid read of size",
		"== Invalid write of size", "uninitialised value(s)", "Invalid free() / delete",
		"definitely lost: 1",
	};
	char *text = tail_of(j->output);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *at = strstr(text, words[i]);
		size_t n;

		if (!at)
			continue;
		while (at > text && at[-1] != '\n')
			at--;
		n = strcspn(at, "\n");
		find(c, SWEEP_sanitizer, util_clean(util_format("%.*s", (int)n, at)), NULL);
		break;
	}
	free(text);
}

/* ---- fds --------------------------------------------------------------------------------------
 */

static struct sweep_open *open_at(struct sweep_baseline *b, uint16_t call, uint64_t key)
{
	for (size_t i = 0; i < b->opens_count; i++)
		if (b->opens[i].call == call && b->opens[i].key == key)
			return &b->opens[i];
	return NULL;
}

void sweep_judge_baseline(struct sweep *s, const struct sweep_job *j, const struct model *m)
{
	struct sweep_baseline *b = &s->base;

	b->status = exit_of(j);
	if (j->ended_ns - j->began_ns > b->elapsed_ns)
		b->elapsed_ns = j->ended_ns - j->began_ns;
	if (m->misuses_count > b->misuses)
		b->misuses = m->misuses_count;
	for (size_t i = 0; i < m->fds_count; i++) {
		const struct model_fds *f = &m->fds[i];
		uint64_t key = sweep_stack_key(m, f->stack);
		struct sweep_open *o = open_at(b, f->call, key);

		if (!o) {
			o = UTIL_PUSH(b->opens, b->opens_count, b->opens_room);
			*o = (struct sweep_open){.call = f->call, .key = key};
		}
		if (f->open > o->open)
			o->open = f->open;
	}
}

static void judge_leaks(struct sweep *s, struct sweep_case *c, const struct model *m,
			struct symbols *y)
{
	for (size_t i = 0; i < m->fds_count; i++) {
		const struct model_fds *f = &m->fds[i];
		const struct sweep_open *o =
			open_at(&s->base, f->call, sweep_stack_key(m, f->stack));
		uint64_t usual = o ? o->open : 0;

		if (f->standard || f->open <= usual)
			continue;
		find(c, SWEEP_leak,
		     util_format("%llu more open at the end: %s of %s%s%s",
				 (unsigned long long)(f->open - usual), names_kind(f->kind),
				 names_call_plain(f->call), f->target_count ? ", " : "",
				 f->target_count ? f->targets[0] : ""),
		     sweep_stack_text(m, y, f->stack));
	}
}

static void judge_misuse(const struct sweep *s, struct sweep_case *c, const struct model *m,
			 struct symbols *y)
{
	if (m->misuses_count <= s->base.misuses)
		return;
	for (size_t i = 0; i < m->misuses_count; i++) {
		const struct model_misuse *x = &m->misuses[i];

		find(c, SWEEP_misuse,
		     util_format("%s by %s",
				 call_class(x->call) == CLASS_close ? "double close"
								     : "use after close",
				 names_call_plain(x->call)),
		     sweep_stack_text(m, y, x->stack));
	}
}

void sweep_judge(struct sweep *s, const struct sweep_job *j, const struct model *m,
		 struct symbols *y)
{
	struct sweep_case *c = &s->cases[j->at];
	bool same = exit_of(j) == s->base.status;

	c->done = true;
	c->status = exit_of(j);
	for (size_t i = 0; i < m->rules_count; i++)
		if (m->rules[i].rule.action == RULE_inject && !m->rules[i].counts.acted)
			c->missed = true;
	if (j->timed_out) {
		find(c, SWEEP_hang, util_copy(j->hung && *j->hung ? j->hung : "nothing is left"),
		     j->stack ? util_copy(j->stack) : NULL);
	} else {
		judge_crashes(c, j, m);
		judge_output(c, j);
		judge_misuse(s, c, m, y);
		if (same)
			judge_leaks(s, c, m, y);
	}
	if (!same && !c->findings_count)
		find(c, SWEEP_exit,
		     util_format("exit status %d, otherwise %d", c->status, s->base.status), NULL);
}
