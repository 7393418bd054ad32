/* SPDX-License-Identifier: MIT */
/*
 * harness.h - what the end-to-end tests share: a private directory, programs started in it, the
 * shim around them, and look-ups in the report.
 *
 * Every test is run between harness_before() and harness_after() (write E2E(name) in the list): it
 * has a directory of its own, and whatever it started, allocated or wrote is gone afterwards. A
 * look-up that has to succeed ends the test with everything the programs said when it does not.
 * Strings and reports given out live until the end of the test.
 */
#ifndef E2E_HARNESS_H
#define E2E_HARNESS_H

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#define E2E(f) cmocka_unit_test_setup_teardown(f, harness_before, harness_after)
#define E2E_MAIN(tests) cmocka_run_group_tests(tests, NULL, NULL)
/* An argument or environment list: ARGS("sleep", "1"), ENV("A=1", "PATH") (a bare name: unset). */
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ENV(...) ARGS(__VA_ARGS__)

/* How long anything may take before it counts as stuck. Not a measure of anything. */
#define DEADLINE_MS 60000

int harness_before(void **state);
int harness_after(void **state);

/* Ends the test as skipped, with the reason on a line "skip: ...". */
void skip_unless(bool possible, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The path of an installed program (also one in /usr/sbin), or NULL. */
const char *program(const char *name);
bool am_root(void);

/* ---- places --------------------------------------------------------------------------------- */

const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A path in the test's own directory. Short enough for a UNIX socket. */
const char *work(const char *format, ...) __attribute__((format(printf, 1, 2)));
void work_write(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What a file says, "" when it is not there. */
const char *file_text(const char *path);
/* A file of the build, e.g. built("targets/leak_open"): absolute. */
const char *built(const char *name);
const char *target(const char *name);
/* A session directory that does not exist yet. */
const char *session_new(void);
int tcp_port_free(void);

/* ---- programs ------------------------------------------------------------------------------- */

struct proc {
	pid_t pid;
	int in;		 /* its standard input, -1 when closed */
	const char *out; /* files with what it wrote */
	const char *err;
	bool ended;
	int status; /* exit status, or 128 + signal */
	struct proc *next;
};

/* env and argv as ARGS() makes them; env may be NULL. Never returns NULL. */
struct proc *proc_start(const char *const *env, const char *const *argv);
/* The same under `fdwhy run -q -o session --`, and with the library preloaded and nothing else. */
struct proc *fdwhy_start(const char *session, const char *const *env, const char *const *argv);
struct proc *preload_start(const char *session, const char *const *env, const char *const *argv);

void proc_say(struct proc *p, const char *line);
void proc_eof(struct proc *p);
/* Waits until it wrote a line that contains `part`; the line. proc_line(p, "ready"). */
const char *proc_line(struct proc *p, const char *part);
/* Closes its input, waits for its end; the status. */
int proc_end(struct proc *p);
int proc_kill(struct proc *p, int signal);
const char *proc_out(const struct proc *p);
const char *proc_err(const struct proc *p);

/* From start to end with an empty input; the status. */
int run(const char *const *argv);
int fdwhy_run(const char *session, const char *const *argv);
int preload_run(const char *session, const char *const *argv);

/* Puts it away at the end of the test. */
void harness_keep(struct json_object *o);

/* Asks until it says true; ends the test after DEADLINE_MS. */
void until(bool (*condition)(void *arg), void *arg, const char *what);
bool is_socket(void *path);

#include "report.h"

#endif
