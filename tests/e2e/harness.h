/* SPDX-License-Identifier: MIT */
/*
 * harness.h - what every end-to-end test needs: a private directory, programs started and stopped
 * by pid, sessions, and the report as JSON. Conditions are polled with a deadline; nothing sleeps.
 */
#ifndef E2E_HARNESS_H
#define E2E_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include <sys/types.h>

struct work {
	char dir[256]; /* private, removed by work_end */
};
/*
 * cmocka setup and teardown: *state is a struct work. What the test started is ended, also what
 * went to the background.
 */
int work_begin(void **state);
int work_end(void **state);
/* "<dir>/<name>", in a ring of static buffers. */
const char *work_path(const struct work *w, const char *name);

/* Absolute path of a built file: "fdwhy", "libfdwhy.so", "targets/leak_open". */
const char *built(const char *name);

/* A constant as a word of an argv, which execve() does not change. */
#define ARG(s) ((char *)(uintptr_t)(s))

struct proc {
	pid_t pid;
	int in;        /* its standard input; -1 closed */
	char out[256]; /* files that get its standard output and error */
	char err[256];
};

/* In the work directory. argv and env (more of it, "NAME=value") end with NULL; env may be NULL. */
struct proc proc_start(const struct work *w, char *const argv[], char *const env[]);
/* Wait until a line of its output starts with `text`; false at the deadline. */
bool proc_says(const struct proc *p, const char *text);
void proc_close_input(struct proc *p);
/* Status as waitpid gives it; kills it after the deadline. */
int proc_wait(struct proc *p);
int proc_stop(struct proc *p, int signo);
/* Start and wait; returns 128+N or the exit status. */
int run(const struct work *w, char *const argv[], char *const env[], struct proc *ret);

/* What one did, whole: waits for it. To hold a bare run and a watched one against each other. */
struct outcome {
	int status;
	char *out, *err;
};
struct outcome outcome_of(struct proc p);
void outcome_free(struct outcome *o);

/* A whole file, allocated; "" when there is none. */
char *file_text(const char *path);
bool wait_until(bool (*condition)(void *arg), void *arg, int seconds);
bool file_exists(void *path);
void file_write(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A TCP port of 127.0.0.1 that nobody listens on now; a connection to one (-1: refused). */
int port_free(void);
int port_connect(int port);

/* `fdwhy run -q -o <session> -- target args...`; the second returns its exit status. */
struct proc fdwhy_start(const struct work *w, const char *session, char *const argv[],
			char *const env[]);
int fdwhy_run(const struct work *w, const char *session, char *const argv[]);
/* The same with the library preloaded and no fdwhy: LD_PRELOAD and FDWHY_SESSION. */
struct proc preload_start(const struct work *w, const char *session, char *const argv[]);
/* `fdwhy report --json`; fails the test when it does not work. Put with json_object_put. */
json_object *report_of(const struct work *w, const char *session);
/* The same with --all: looks at the other side of benign places, too. */
json_object *report_all_of(const struct work *w, const char *session);
/* A counter of the session's first rule, by its key in `fdwhy ctl list --json`: works while the
 * target runs. */
int64_t rule_counter(const struct work *w, const char *session, const char *key);

/* Looking into a report. */
json_object *field(json_object *o, const char *path); /* "a.b.c"; NULL when absent or null */
int64_t number_of(json_object *o, const char *path);
const char *text_of(json_object *o, const char *path); /* "" when null */
/* First of list `key` whose call is `call` (NULL: any) and whose stack has `function` (NULL: any).
 */
json_object *find_site(json_object *report, const char *key, const char *call,
		       const char *function);
bool stack_has(json_object *site, const char *key, const char *function);
/*
 * Whether the process on the other side of an EAGAIN is `pid` and is in `function` (a part of its
 * name) now. True, with a printed reason, where its stack may not be looked at.
 */
bool now_is_in(json_object *site, int64_t pid, const char *function);

/* skip() with a printed reason. */
#define SKIP_UNLESS(condition, why)                       \
	do {                                              \
		if (!(condition)) {                       \
			print_message("skip: %s\n", why); \
			skip();                           \
		}                                         \
	} while (0)
bool installed(const char *program);

#endif
