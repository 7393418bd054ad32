/* SPDX-License-Identifier: MIT */
/*
 * run.h - the parts of `fdwhy run`: options, the session directory, the process tree, the log.
 */
#ifndef TOOL_RUN_H
#define TOOL_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "explain.h"
#include "rulefile.h"
#include "suppress.h"

/* Words of --fail-on, as the report says them. X(id, word) */
#define RUN_FAILS(X)                                                                            \
	X(leak, "leak")                                                                         \
	X(growing, "growing") X(idle, "idle") X(at_exit, "at-exit") X(child_leak, "child-leak") \
		X(failure, "failure") X(suspicious, "suspicious") X(benign, "benign")           \
			X(limit, "limit") X(misuse, "misuse") X(double_close, "double-close")   \
				X(use_after_close, "use-after-close")                           \
					X(foreign_close, "foreign-close")                       \
						X(standard_close, "standard-close")             \
							X(coverage, "coverage")
enum run_fail_number {
#define X(id, word) FAIL_NUMBER_##id,
	RUN_FAILS(X)
#undef X
};
enum run_fail { /* bits */
#define X(id, word) FAIL_##id = 1 << FAIL_NUMBER_##id,
		RUN_FAILS(X)
#undef X
};

struct run_options {
	const char *directory; /* -o */
	const char *log;
	bool log_stacks;
	bool wait_child_only;
	bool quiet, report, quarantine;
	unsigned fail_on;   /* enum run_fail */
	int error_exitcode; /* -1: not given */
	const char *stacks, *size;
	struct rulefile rules;
	struct suppressions suppressions;
	bool no_default;    /* suppressions */
	const char *replay; /* a session */
	char **command;
};

/* 0: go on; 1: help was printed; else the exit status of an error that was printed. */
int run_parse(int argc, char **argv, struct run_options *ret);

/* ---- run_session.c ---- */
/* Make the session; its path is allocated. 0, or 125 after a printed error. */
int run_session_make(const char *directory, const char *command, char **ret_path);
/* session.json; 0 or 125. */
int run_session_describe(const char *path, char **command);
/* Absolute path of libfdwhy.so, allocated; NULL after a printed error. */
char *run_library(void);

/* ---- run_fail.c ---- */
struct model;
/* A list of words, added to *ret. 0, or 125 after a printed error. */
int run_fail_parse(const char *list, unsigned *ret);
/* Did any of it come true? Then says so on standard error. */
bool run_fail_found(const struct model *m, unsigned fail_on);

/* ---- run_tree.c ---- */
struct tree {
	const char *session;
	pid_t child;      /* the command */
	int child_status; /* as wait(2) gives it, once it ended */
	bool child_ended;
	bool all; /* wait for the whole tree, not the command alone */
	uint64_t looked_ns;
	unsigned looks, depth;
	struct suspect { /* has no record; one that ends in order removes it just before */
		int pid;
		unsigned look; /* the last one that missed it */
		bool noted;
	} * suspects;
	size_t suspects_count, suspects_room;
	int *spares; /* pids whose records are in spares, at look spares_look - 1 */
	size_t spares_count, spares_room;
	unsigned spares_look;
};
/* Start the command with the shim. 0, or an exit status (125, 126, 127) after a printed error. */
int tree_start(struct tree *t, const struct run_options *o, const char *library);
/* Wait for signals and ends for at most `ms`; forwards signals. false when the tree has ended. */
bool tree_step(struct tree *t, int ms);
/* Calls each() for every child of a process, as /proc lists them. */
void tree_children(int pid, void (*each)(pid_t child, void *arg), void *arg);
/* 128 + N when killed, else its own status. */
int tree_status(const struct tree *t);

/* ---- run_why.c ---- */
struct record;
struct run_why;
struct run_answer {
	const char *cause; /* NULL unknown */
	char sentence[EXPLAIN_SENTENCE];
	bool fresh;    /* looked up for this very line */
	int other_pid; /* who lives on the other side; 0 nobody, or not known */
	const char *other_role;
	bool now_known; /* the listener's queue */
	uint32_t now_queue, now_backlog;
};
struct run_why *run_why_open(const char *session);
void run_why_close(struct run_why *w);
/* What is known of a place (1 + index of the site); NULL: nothing yet. Valid until the next call.
 */
const struct run_answer *run_why(struct run_why *w, const struct record *r, uint32_t site);

/* ---- run_log.c ---- */
struct log;
/* NULL after a printed error. */
struct log *log_open(const char *file, const char *session, bool stacks);
/* Write what is new; `final`: every process has ended. true when there was something. */
bool log_drain(struct log *l, bool final);
/* 0, or -errno when something could not be written. */
int log_close(struct log *l);

#endif
