/* SPDX-License-Identifier: MIT */
/* sweep_run.c - the test, once: under fdwhy run with its rules, with a time limit. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "names.h"
#include "rules_parse.h"
#include "run.h"
#include "sweep.h"
#include "util.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	remove(path);
	return 0;
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static char *note_rule(const struct sweep *s)
{
	return util_format("--note=%s%s%s", s->o.calls, s->o.where ? ":" : "",
			   s->o.where ? s->o.where : "");
}

/* Once, whichever process of the tree comes by first. */
static char *inject_rule(const struct sweep *s, const struct sweep_case *c, unsigned i)
{
	const struct sweep_site *x = &s->sites[c->site[i]];

	return util_format("--inject=%s:error=%s:stack=%llx:when=1:per=tree", call_name(x->call),
			   rules_error_name(c->error[i]), (unsigned long long)x->key);
}

static _Noreturn void become(const struct sweep *s, const struct sweep_job *j)
{
	char *argv[16] = {"run", "-q", util_format("--output=%s", j->session)}, **all;
	size_t n = 3, words = 0;
	int out = open(j->output, O_WRONLY | O_CREAT | O_TRUNC, 0600), in;
	const struct sweep_case *c = j->at == SWEEP_FIRST ? NULL : &s->cases[j->at];
	sigset_t none;
	char go;

	if (j->traced)
		close(j->gate[1]);
	if (!c || (s->o.depth > 1 && !c->error[1]))
		argv[n++] = note_rule(s);
	for (unsigned i = 0; c && i < 2 && c->error[i]; i++)
		argv[n++] = inject_rule(s, c, i);
	setenv("FDWHY_SWEEP_RUN", strrchr(j->session, '/') + 1, 1);
	argv[n++] = "--";
	while (s->o.command[words])
		words++;
	all = util_alloc(n + words + 1, sizeof(*all));
	memcpy(all, argv, n * sizeof(*all));
	memcpy(all + n, s->o.command, words * sizeof(*all));
	in = open("/dev/null", O_RDONLY);
	if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(125);
	setpgid(0, 0);
	if (j->traced && read(j->gate[0], &go, 1) != 0) /* until it is seized */
		_exit(125);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	optind = 0; /* getopt starts anew */
	exit(cmd_run((int)(n + words), all));
}

int sweep_job_start(const struct sweep *s, struct sweep_job *j, const char *name)
{
	j->session = util_format("%s/runs/%s", s->o.directory, name);
	j->output = util_format("%s/runs/%s.out", s->o.directory, name);
	nftw(j->session, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* of a run that was stopped */
	j->began_ns = util_now_ns(CLOCK_MONOTONIC);
	fflush(NULL);
	if (j->traced && pipe2(j->gate, O_CLOEXEC))
		return util_error(2, "pipe: %s", strerror(errno));
	j->pid = fork();
	if (j->pid < 0)
		return util_error(2, "fork: %s", strerror(errno));
	if (!j->pid)
		become(s, j);
	return 0;
}

void sweep_job_go(struct sweep_job *j)
{
	close(j->gate[0]);
	close(j->gate[1]);
}

/* ---- ending -----------------------------------------------------------------------------------
 */

void sweep_kill_below(pid_t pid, void *arg)
{
	tree_children(pid, sweep_kill_below, arg);
	kill(pid, SIGKILL);
}

/* What dies while others are forked leaves these: again until nothing is left. */
void sweep_job_kill(struct sweep_job *j)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	for (int i = 0; i < 2000 && j->pid; i++) {
		tree_children(j->pid, sweep_kill_below, NULL);
		if (waitpid(j->pid, &j->status, WNOHANG) == j->pid)
			j->pid = 0;
		else
			nanosleep(&ms, NULL);
	}
	if (j->pid) {
		kill(j->pid, SIGKILL);
		waitpid(j->pid, &j->status, 0);
		j->pid = 0;
	}
	j->ended_ns = util_now_ns(CLOCK_MONOTONIC);
}

bool sweep_job_ended(struct sweep_job *j, uint64_t deadline_ns)
{
	if (waitpid(j->pid, &j->status, WNOHANG) == j->pid) {
		j->pid = 0;
		j->ended_ns = util_now_ns(CLOCK_MONOTONIC);
		return true;
	}
	if (util_now_ns(CLOCK_MONOTONIC) < j->began_ns + deadline_ns)
		return false;
	j->timed_out = true;
	sweep_standing(j);
	sweep_job_kill(j);
	return true;
}

void sweep_job_free(struct sweep_job *j, bool keep)
{
	if (!keep && j->session) {
		nftw(j->session, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		unlink(j->output);
	}
	free(j->session);
	free(j->output);
	free(j->hung);
	free(j->stack);
	*j = (struct sweep_job){.pid = 0};
}
