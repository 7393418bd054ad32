/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - fdwhy sweep: every place of a test that makes a recorded call, failed once, one run a
 * place; and what came of it.
 *
 * A directory holds it all: "sweep.json" (which test, which options), "results.jsonl" (a line for
 * each run that ended, so that a sweep goes on where it was stopped), "runs/" (session and output
 * of the runs that found something).
 */
#ifndef TOOL_SWEEP_H
#define TOOL_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "model.h"
#include "symbols.h"

/* What a run can show: X(name, in words) */
#define SWEEP_FINDINGS(X)                                     \
	X(crash, "a process was killed by its own fault")     \
	X(hang, "the test did not end in time")               \
	X(sanitizer, "a sanitizer or valgrind complained")    \
	X(leak, "the test ended as ever, with more fds open") \
	X(misuse, "an fd was closed twice, or used after")    \
	X(exit, "another exit status")
enum sweep_finding_kind {
#define X(n, s) SWEEP_##n,
	SWEEP_FINDINGS(X)
#undef X
		SWEEP_KINDS
};

struct sweep_options {
	const char *calls;  /* a set in the language of rules */
	const char *errors; /* "first", "all" or names with commas */
	const char *where;  /* conditions for every rule, "exe=*" "/test:comm=x"; NULL none */
	const char *directory;
	unsigned jobs, depth;
	uint64_t timeout_ns; /* 0: from the first run */
	unsigned fail_on;    /* bits of enum sweep_finding_kind */
	bool json, keep;
	char **command;
};

struct sweep_site {
	uint16_t call;
	uint8_t kind; /* enum record_kind, of the latest call */
	uint64_t key; /* stack_key.h */
	uint64_t count;
	char *target; /* NULL unknown */
	char *stack;  /* as a report prints it */
};

struct sweep_finding {
	enum sweep_finding_kind kind;
	char *text;
	char *stack; /* NULL: none of its own */
};

/* One run: one site fails, or with depth 2 two of them. */
struct sweep_case {
	uint32_t site[2];
	int error[2];      /* error[1] 0: one site */
	bool done, missed; /* missed: the test did not come by it again */
	int status;
	struct sweep_finding *findings;
	size_t findings_count, findings_room;
};

/* What the test does when nothing fails. */
struct sweep_baseline {
	int status;
	uint64_t elapsed_ns;
	struct sweep_open {
		uint16_t call;
		uint64_t key, open;
	} * opens;
	size_t opens_count, opens_room;
	uint64_t misuses;
};

struct sweep {
	struct sweep_options o;
	struct sweep_baseline base;
	struct sweep_site *sites;
	size_t sites_count, sites_room;
	struct sweep_case *cases;
	size_t cases_count, cases_room;
	size_t done, resumed;
	size_t found[SWEEP_KINDS]; /* cases */
	size_t missed;
	FILE *results;
	bool stopped; /* by a signal */
};

const char *sweep_finding_name(enum sweep_finding_kind kind);

/* ---- sweep_sites.c: which places there are, and what to fail them with -------------------------
 */

/* Add what a session noted; indexes of new and known sites are the same ones ever after. */
void sweep_sites_add(struct sweep *s, const struct model *m, struct symbols *y);
/* Cases for sites from `first` on. */
void sweep_plan(struct sweep *s, size_t first);
/* Pairs of the site of case `at` with each site that its run noted. */
void sweep_plan_pairs(struct sweep *s, size_t at, const struct model *m);
/* "read:EIO:0123456789abcdef", and a second one behind "+"; allocated. */
char *sweep_case_name(const struct sweep *s, const struct sweep_case *c);
/* The key of a stack of a model; 0 for MODEL_NONE. */
uint64_t sweep_stack_key(const struct model *m, uint32_t stack);
/* A stack as text; allocated. */
char *sweep_stack_text(const struct model *m, struct symbols *y, uint32_t stack);
void sweep_free(struct sweep *s);

/* ---- sweep_run.c: the test, once
 * -----------------------------------------------------------------
 */

#define SWEEP_FIRST SIZE_MAX

struct sweep_job {
	size_t at; /* in cases[]; SWEEP_FIRST: a run in which nothing fails */
	pid_t pid; /* of its fdwhy run; 0: no run */
	uint64_t began_ns, ended_ns;
	char *session, *output; /* paths */
	bool timed_out;
	char *hung;  /* what its processes were doing */
	char *stack; /* of the last of them */
	int status;
	bool traced; /* waits for sweep_job_go() */
	int gate[2];
};

/* 0, or 2 after a printed error. `number` names its session. */
int sweep_job_start(const struct sweep *s, struct sweep_job *j, const char *name);
/* Has it ended? One that is beyond `deadline_ns` after its start is ended. */
bool sweep_job_ended(struct sweep_job *j, uint64_t deadline_ns);
void sweep_job_go(struct sweep_job *j);
/* SIGKILL for a process and all below; a callback of tree_children(). */
void sweep_kill_below(pid_t pid, void *arg);
/* End it now. */
void sweep_job_kill(struct sweep_job *j);
/* Forget it; its files go unless `keep`. */
void sweep_job_free(struct sweep_job *j, bool keep);

/* ---- sweep_stop.c: where a run stands
 * ------------------------------------------------------------
 */

/* Sets j->hung and j->stack. */
void sweep_standing(struct sweep_job *j);
/* Run a case that crashed once more: the stack of the thread that does it, "" when it did not;
 * allocated. */
char *sweep_crash(const struct sweep *s, size_t at, uint64_t limit_ns);

/* ---- sweep_judge.c: what a run shows
 * -------------------------------------------------------------
 */

void sweep_judge_baseline(struct sweep *s, const struct sweep_job *j, const struct model *m);
/* Does this signal mean that the program is at fault? */
bool sweep_is_fault(int signo);
void sweep_judge(struct sweep *s, const struct sweep_job *j, const struct model *m,
		 struct symbols *y);

/* ---- sweep_state.c: what has been done, in files
 * -------------------------------------------------
 */

/* Make the directory, or find a sweep of the same test in it. 0, or 2 after a printed error. */
int sweep_open(struct sweep *s);
/* Results of an earlier start, for the cases from `first` on. */
void sweep_resume(struct sweep *s, size_t first);
void sweep_save(struct sweep *s, const struct sweep_case *c);
/* Count a case that is done. */
void sweep_count(struct sweep *s, const struct sweep_case *c);

/* ---- sweep_out.c
 * ---------------------------------------------------------------------------------
 */

void sweep_print(FILE *to, const struct sweep *s);
void sweep_print_json(FILE *to, const struct sweep *s);
/* One line on stderr that overwrites itself; a line each tenth where there is no terminal. */
void sweep_progress(const struct sweep *s, uint64_t began_ns, size_t done_before, bool end);

#endif
