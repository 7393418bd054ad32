/* SPDX-License-Identifier: MIT */
/* cmd_run.c - fdwhy run: makes a session, runs the command in it, says what was found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "elfkind.h"
#include "fold.h"
#include "model.h"
#include "model_states.h"
#include "run.h"
#include "session.h"
#include "util.h"

#define STEP_MS 50
#define BUSY_STEP_MS 1 /* while the log has more to write: a ring soon runs over */

/* Takes the log over; NULL: none. */
static int watch(struct tree *t, const char *file, struct log *l)
{
	int error = 0, ms = STEP_MS;

	while (tree_step(t, ms))
		if (l)
			ms = log_drain(l, false) ? BUSY_STEP_MS : STEP_MS;
	if (l) {
		log_drain(l, t->all);
		error = log_close(l);
	}
	return error ? util_error(125, "--log=%s: %s", file, strerror(-error)) : 0;
}

static const char *session_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void summarize(const struct model_summary *s, const struct run_options *o, const char *path)
{
	fprintf(stderr,
		"fdwhy: %llu process%s; EAGAIN %llu time%s: %llu failing, %llu suspicious, %llu "
		"benign "
		"place%s; %llu leak%s, %llu misuse%s\n",
		(unsigned long long)s->processes, util_plural(s->processes, "es"),
		(unsigned long long)s->eagains, util_plural(s->eagains, "s"),
		(unsigned long long)s->failures, (unsigned long long)s->suspicious,
		(unsigned long long)s->benign, util_plural(s->benign, "s"),
		(unsigned long long)s->leaks, util_plural(s->leaks, "s"),
		(unsigned long long)s->misuse, s->limits ? ", at the limit of open files" : "");
	fprintf(stderr, "fdwhy: session %s; next: fdwhy report %s\n", path,
		o->directory ? path : session_name(path));
}

static void fold(struct model *m, struct suppressions *known)
{
	struct symbols *s = symbols_open(m, true, false);

	fold_fds(m, s);
	suppress_apply(known, m, s);
	symbols_close(s);
}

static int conclude(struct run_options *o, const char *path, int status)
{
	const struct model_options options = {0};
	struct model_summary s;
	struct model m;
	bool none, failed;

	if (o->quiet && !o->fail_on && !o->report)
		return status;
	model_load(path, &options, &m);
	fold(&m, &o->suppressions);
	model_summarize(&m, &s);
	none = !m.processes_count;
	if (none)
		util_error(0, "no process loaded the shim; see: fdwhy check %s", o->command[0]);
	else if (!o->quiet)
		summarize(&s, o, path);
	failed = run_fail_found(&m, o->fail_on);
	model_free(&m);
	if (o->report)
		cmd_report_session(path, session_name(path), &o->suppressions);
	if (failed)
		return o->error_exitcode >= 0 ? o->error_exitcode : 1;
	return none && o->fail_on ? 125 : status; /* nothing was checked: not a success */
}

/* Nothing half-made stays behind a command that never ran. */
static void discard(const char *path)
{
	static const char *const names[] = {"session.json", "rules", "rules.counts",
					    "rules.replay"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *file = util_format("%s/%s", path, names[i]);

		unlink(file);
		free(file);
	}
	rmdir(path);
}

/*
 * What the shim asks of the kernel when a connect fails may be a module of it (unix_diag), which is
 * loaded at the first question: that wait shall not be the command's.
 */
static void ask_kernel_first(void)
{
	struct ends e = {0};

	ends_read_unix(&e);
	ends_free(&e);
}

/* In a session that is made; the log is open before the command starts, or it does not start. */
static int run_in(struct run_options *o, const char *path, const char *library)
{
	struct tree t = {.session = path, .all = !o->wait_child_only};
	struct log *l = NULL;
	int status;

	if (o->log) {
		l = log_open(o->log, path, o->log_stacks);
		if (!l) {
			discard(path);
			return 125;
		}
	}
	ask_kernel_first();
	status = tree_start(&t, o, library);
	if (status) {
		discard(path);
		if (l)
			log_close(l);
		return status;
	}
	status = watch(&t, o->log, l);
	free(t.suspects);
	return status ? status : conclude(o, path, tree_status(&t));
}

/* Also without a rule: `fdwhy ctl` may add some. */
static int make_rules(struct run_options *o, const char *path)
{
	struct session old;
	int status = 0;

	if (o->replay) {
		if (session_find(o->replay, &old))
			return 125;
		status = rulefile_replay(&o->rules, old.path, path);
		session_free(&old);
	}
	return status ? status : rulefile_write(&o->rules, path);
}

int cmd_run(int argc, char **argv)
{
	struct run_options o;
	char *library, *path = NULL;
	int status = run_parse(argc, argv, &o);

	if (status)
		return status == 1 ? 0 : status;
	library = run_library();
	if (!library)
		return 125;
	status = run_session_make(o.directory, o.command[0], &path);
	if (!status)
		status = run_session_describe(path, o.command);
	if (!status)
		status = make_rules(&o, path);
	if (!status)
		status = run_in(&o, path, library);
	rulefile_free(&o.rules);
	suppress_free(&o.suppressions);
	free(library);
	free(path);
	return status;
}
