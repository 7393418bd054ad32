/* SPDX-License-Identifier: MIT */
/* cmd_sweep.c - fdwhy sweep: options, the first runs, then a run for each place. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "sweep.h"
#include "util.h"

#define SECOND 1000000000ull
#define FIRST_RUNS 2 /* what differs between them is no finding */
#define JOBS_MAX 64

static const char help[] =
	"usage: fdwhy sweep [options] [--] TEST-COMMAND [ARGUMENT...]\n"
	"\n"
	"Run a test once to see at which places it opens, connects, reads, writes and so on; then\n"
	"once for each place with this one call failing, and say what goes wrong then.\n"
	"\n"
	"  -c, --calls=SET    calls to fail, as in rules (default: those that make, use and lock\n"
	"                     fds; %all for all)\n"
	"  -e, --errors=SET   first: the likeliest error of each place (default); all that its "
	"man\n"
	"                     page names; or names: EMFILE,ENOSPC\n"
	"  -w, --where=CONDS  only places for which these conditions of rules hold:\n"
	"                     exe=*/server:function=load_*\n"
	"  -j, --jobs=N       runs at the same time (default 1); $FDWHY_SWEEP_RUN is each one's "
	"name\n"
	"  -t, --timeout=S    seconds for a run (default: ten times the first, at least 10)\n"
	"  -d, --depth=1|2    2: then every pair of places too\n"
	"  -o, --output=DIR   keep results here (default fdwhy-sweep); one that was stopped goes "
	"on\n"
	"      --fail-on=LIST what ends in status 1: crash, hang, sanitizer, leak, misuse, exit\n"
	"                     (default: all but exit)\n"
	"      --keep         sessions and outputs of all runs, not only of those with findings\n"
	"      --json         the result for machines (docs/json.md)\n"
	"  -h, --help         this text\n"
	"\n"
	"Exit status: 0 nothing found, 1 something found, 2 wrong option or the test cannot run,\n"
	"130 interrupted.\n";

enum { FAIL_ON = 256, KEEP, JSON };

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	interrupted = signo;
}

/* ---- options ----------------------------------------------------------------------------------
 */

static int number(const char *option, const char *s, unsigned least, unsigned most, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (!*s || *end || n < least || n > most)
		return util_error(2, "%s=%s: expected a number from %u to %u", option, s, least,
				  most);
	*ret = (unsigned)n;
	return 0;
}

static int take_errors(struct sweep_options *o, const char *s)
{
	o->errors = s;
	if (!strcmp(s, "first") || !strcmp(s, "all"))
		return 0;
	for (const char *at = s; *at; at += strcspn(at, ","), at += *at == ',')
		if (!rules_error_number(at, strcspn(at, ",")))
			return util_error(2, "--errors=%s: \"%.*s\" is no error", s,
					  (int)strcspn(at, ","), at);
	return 0;
}

static int take_fail_on(struct sweep_options *o, const char *s)
{
	o->fail_on = 0;
	for (const char *at = s; *at; at += strcspn(at, ","), at += *at == ',') {
		size_t n = strcspn(at, ",");
		unsigned i = 0;

		while (i < SWEEP_KINDS && (strlen(sweep_finding_name(i)) != n ||
					   strncmp(sweep_finding_name(i), at, n)))
			i++;
		if (i == SWEEP_KINDS)
			return util_error(2,
					  "--fail-on=%s: \"%.*s\" is none of crash, hang, "
					  "sanitizer, leak, misuse, exit",
					  s, (int)n, at);
		o->fail_on |= 1u << i;
	}
	return 0;
}

/* As the rule that will be made of it: a mistake is said before anything runs. */
static int check_rule(const struct sweep_options *o)
{
	char *rule = util_format("%s%s%s", o->calls, o->where ? ":" : "", o->where ? o->where : "");
	struct rulefile f = {.rules = NULL};
	int status = rulefile_add(&f, "--calls and --where", RULE_note, rule, 2);

	rulefile_free(&f);
	free(rule);
	return status;
}

static int take(struct sweep_options *o, int c, const char *value)
{
	unsigned seconds;
	int status;

	switch (c) {
	case 'c':
		o->calls = value;
		return 0;
	case 'e':
		return take_errors(o, value);
	case 'w':
		o->where = value;
		return 0;
	case 'j':
		return number("--jobs", value, 1, JOBS_MAX, &o->jobs);
	case 't':
		status = number("--timeout", value, 1, 86400, &seconds);
		if (!status)
			o->timeout_ns = seconds * SECOND;
		return status;
	case 'd':
		return number("--depth", value, 1, 2, &o->depth);
	case 'o':
		o->directory = value;
		return 0;
	case FAIL_ON:
		return take_fail_on(o, value);
	case KEEP:
		o->keep = true;
		return 0;
	case JSON:
		o->json = true;
		return 0;
	case 'h':
		return fputs(help, stdout) < 0 ? 2 : -1;
	default:
		return util_error(2, "see fdwhy sweep --help");
	}
}

static int parse(int argc, char **argv, struct sweep_options *ret)
{
	static const struct option options[] = {
		{"calls", required_argument, NULL, 'c'},
		{"errors", required_argument, NULL, 'e'},
		{"where", required_argument, NULL, 'w'},
		{"jobs", required_argument, NULL, 'j'},
		{"timeout", required_argument, NULL, 't'},
		{"depth", required_argument, NULL, 'd'},
		{"output", required_argument, NULL, 'o'},
		{"fail-on", required_argument, NULL, FAIL_ON},
		{"keep", no_argument, NULL, KEEP},
		{"json", no_argument, NULL, JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, status = 0;

	*ret = (struct sweep_options){
		.calls = "%open,%fd-create,%connect,%accept,%send,%recv,%lock,%dup",
		.errors = "first",
		.directory = "fdwhy-sweep",
		.jobs = 1,
		.depth = 1,
		.fail_on = ~(1u << SWEEP_exit)};
	while (!status && (c = getopt_long(argc, argv, "+c:e:w:j:t:d:o:h", options, NULL)) != -1)
		status = take(ret, c, optarg);
	if (status)
		return status;
	if (!argv[optind])
		return util_error(2, "sweep: no test given; fdwhy sweep -- TEST-COMMAND");
	ret->command = argv + optind;
	return check_rule(ret);
}

/* ---- the first runs ---------------------------------------------------------------------------
 */

static void load(const char *session, struct model *ret)
{
	const struct model_options options = {0};

	model_load(session, &options, ret);
}

static uint64_t limit_of(const struct sweep *s)
{
	uint64_t ten = 10 * s->base.elapsed_ns;

	if (s->o.timeout_ns)
		return s->o.timeout_ns;
	return ten > 10 * SECOND ? ten : 10 * SECOND;
}

/* Waits a little, or until something ends. */
static void doze(void)
{
	const struct timespec ms = {.tv_nsec = 5000000};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &ms);
}

static int first_run(struct sweep *s, unsigned number)
{
	struct sweep_job j = {.at = SWEEP_FIRST};
	struct symbols *y;
	struct model m;
	char name[16];
	int status;

	snprintf(name, sizeof(name), "first-%u", number);
	status = sweep_job_start(s, &j, name);
	if (status)
		return status;
	while (!interrupted && !sweep_job_ended(&j, s->o.timeout_ns ? s->o.timeout_ns : ~0ull / 2))
		doze();
	if (interrupted)
		sweep_job_kill(&j);
	load(j.session, &m);
	if (!interrupted && (!m.processes_count || j.timed_out)) {
		status = util_error(2, "the test %s: see %s",
				    j.timed_out ? "did not end in time" : "did not run", j.output);
	} else if (!interrupted) {
		y = symbols_open(&m, true, isatty(2));
		sweep_judge_baseline(s, &j, &m);
		sweep_sites_add(s, &m, y);
		symbols_close(y);
	}
	model_free(&m);
	sweep_job_free(&j, s->o.keep || status);
	return status;
}

/* ---- the others -------------------------------------------------------------------------------
 */

static bool is_bad(const struct sweep *s, const struct sweep_case *c)
{
	for (size_t i = 0; i < c->findings_count; i++)
		if (s->o.fail_on & 1u << c->findings[i].kind)
			return true;
	return false;
}

/* A sanitizer's own report has the stack already. */
static void find_crash(struct sweep *s, size_t at)
{
	struct sweep_case *c = &s->cases[at];
	char *stack;

	if (!c->findings_count || c->findings[0].kind != SWEEP_crash)
		return;
	stack = sweep_crash(s, at, limit_of(s));
	if (*stack)
		c->findings[0].stack = stack;
	else
		free(stack);
}

static void finish(struct sweep *s, struct sweep_job *j)
{
	size_t known = s->cases_count;
	struct symbols *y;
	struct model m;

	load(j->session, &m);
	y = symbols_open(&m, true, false);
	sweep_judge(s, j, &m, y);
	find_crash(s, j->at);
	sweep_save(s, &s->cases[j->at]);
	sweep_count(s, &s->cases[j->at]);
	if (s->o.depth > 1 && !s->cases[j->at].error[1]) {
		sweep_sites_add(s, &m, y);
		sweep_plan_pairs(s, j->at, &m);
		sweep_resume(s, known);
	}
	symbols_close(y);
	model_free(&m);
	sweep_job_free(j, s->o.keep || is_bad(s, &s->cases[j->at]));
}

/* Starts what there is room for. */
static int start_some(struct sweep *s, struct sweep_job *jobs, size_t *at)
{
	int status = 0;

	for (unsigned i = 0; i < s->o.jobs && !status; i++) {
		char *name;

		while (*at < s->cases_count && s->cases[*at].done)
			++*at;
		if (jobs[i].pid || *at == s->cases_count)
			continue;
		name = sweep_case_name(s, &s->cases[*at]);
		jobs[i].at = (*at)++;
		status = sweep_job_start(s, &jobs[i], name);
		free(name);
	}
	return status;
}

static unsigned running(const struct sweep *s, const struct sweep_job *jobs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->o.jobs; i++)
		n += jobs[i].pid != 0;
	return n;
}

static void finish_some(struct sweep *s, struct sweep_job *jobs)
{
	for (unsigned i = 0; i < s->o.jobs; i++)
		if (jobs[i].pid && sweep_job_ended(&jobs[i], limit_of(s)))
			finish(s, &jobs[i]);
}

static void kill_all(struct sweep *s, struct sweep_job *jobs)
{
	for (unsigned i = 0; i < s->o.jobs; i++) {
		if (!jobs[i].pid)
			continue;
		sweep_job_kill(&jobs[i]);
		sweep_job_free(&jobs[i], false);
	}
}

static int run_cases(struct sweep *s)
{
	struct sweep_job jobs[JOBS_MAX] = {{.pid = 0}};
	const uint64_t began = util_now_ns(CLOCK_MONOTONIC);
	const size_t before = s->done;
	size_t at = 0;
	int status;

	do {
		status = start_some(s, jobs, &at);
		if (running(s, jobs))
			doze();
		finish_some(s, jobs);
		sweep_progress(s, began, before, false);
	} while (!status && !interrupted && (running(s, jobs) || at < s->cases_count));
	kill_all(s, jobs);
	sweep_progress(s, began, before, true);
	return status;
}

static int sweep(struct sweep *s)
{
	int status = sweep_open(s);

	for (unsigned i = 0; !status && !interrupted && i < FIRST_RUNS; i++)
		status = first_run(s, i);
	if (status || interrupted)
		return status;
	sweep_plan(s, 0);
	sweep_resume(s, 0);
	fprintf(stderr, "fdwhy: sweep: %zu place%s, %zu run%s%s; exit status %d without failures\n",
		s->sites_count, util_plural(s->sites_count, "s"), s->cases_count,
		util_plural(s->cases_count, "s"), s->resumed ? " (some are done)" : "",
		s->base.status);
	return run_cases(s);
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t child;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
}

int cmd_sweep(int argc, char **argv)
{
	struct sweep s = {.done = 0};
	unsigned found = 0;
	int status = parse(argc, argv, &s.o);

	if (status)
		return status < 0 ? 0 : status;
	catch_signals();
	status = sweep(&s);
	s.stopped = interrupted;
	if (!status)
		(s.o.json ? sweep_print_json : sweep_print)(stdout, &s);
	for (size_t i = 0; i < s.cases_count; i++)
		found |= is_bad(&s, &s.cases[i]);
	sweep_free(&s);
	if (status)
		return status;
	return interrupted ? 130 : (int)found;
}
