/* SPDX-License-Identifier: MIT */
/* run_options.c - the command line of `fdwhy run`. Everything wrong is found before anything
 * starts. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record.h"
#include "run.h"
#include "util.h"

static const char help[] =
	"usage: fdwhy run [options] [--] COMMAND [ARGUMENT...]\n"
	"\n"
	"Run COMMAND and everything it starts with the shim preloaded; record every EAGAIN with "
	"its\n"
	"stack and cause, and every file descriptor from its birth to its death.\n"
	"\n"
	"  -o, --output=DIR       make the session here (default: a new name in the default "
	"place)\n"
	"      --log=FILE         write each EAGAIN as one JSON line, as it happens (- is stderr)\n"
	"      --log-stacks       with the symbolised stack in each line\n"
	"      --wait=tree|child  end with the whole process tree (default), or with COMMAND\n"
	"      --fail-on=LIST     exit with --error-exitcode when the report has any of these:\n"
	"                         leak growing idle at-exit child-leak (open fds), failure\n"
	"                         suspicious benign (EAGAIN), limit (EMFILE), misuse double-close\n"
	"                         use-after-close foreign-close standard-close, coverage\n"
	"                         (something was not recorded)\n"
	"      --error-exitcode=N for --fail-on (default 1)\n"
	"      --report           print the whole report at the end\n"
	"      --stacks=N         frames a stack, 0 to 128 (default 64; 0: no stacks)\n"
	"      --size=small|normal|large  room of a process's record (default normal)\n"
	"      --quarantine       do not reuse closed numbers at once: a use after close is "
	"EBADF\n"
	"      --suppressions=FILE  do not count or show what it lists; often\n"
	"      --no-suppressions  count also what libc and runtimes are known to keep open\n"
	"      --retry=RULE       on EAGAIN wait and call again: connect:path=/run/x/*:for=2s\n"
	"      --inject=RULE      make calls fail: connect:error=EAGAIN:when=3+2\n"
	"      --ignore=RULE      leave failures out of the record: recv:comm=worker\n"
	"      --note=RULE        record each call, also one that succeeds: %recv:path=/etc/*\n"
	"      --rules=FILE       lines of \"inject RULE\", \"retry RULE\", ... (or FDWHY_RULES)\n"
	"      --seed=N           of rules with a chance (default 0); same seed, same schedule\n"
	"      --replay=SESSION   that session's rules, acting exactly where they did\n"
	"  -q, --quiet            no summary at the end\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: COMMAND's own; 128+N when signal N killed it; 125 when fdwhy itself failed,\n"
	"126 when COMMAND cannot be run, 127 when it is not found. Rules: fdwhy-rules(1).\n";

static int set_wait(struct run_options *o, const char *s)
{
	o->wait_child_only = !strcmp(s, "child");
	if (o->wait_child_only || !strcmp(s, "tree"))
		return 0;
	return util_error(125, "--wait=%s: expected tree or child", s);
}

static int set_number(const char *option, const char *s, long most, int *ret)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || *end || n < 0 || n > most)
		return util_error(125, "%s=%s: expected a number from 0 to %ld", option, s, most);
	*ret = (int)n;
	return 0;
}

static int set_stacks(struct run_options *o, const char *s)
{
	int ignored;

	o->stacks = s;
	return set_number("--stacks", s, RECORD_STACK_MAX, &ignored);
}

static int set_size(struct run_options *o, const char *s)
{
	o->size = s;
	if (!strcmp(s, "small") || !strcmp(s, "normal") || !strcmp(s, "large"))
		return 0;
	return util_error(125, "--size=%s: expected small, normal or large", s);
}

static int set_seed(struct run_options *o, const char *s)
{
	char *end;

	o->rules.seed = strtoull(s, &end, 0);
	return *s && !*end ? 0 : util_error(125, "--seed=%s: expected a number", s);
}

enum {
	LOG = 256,
	LOG_STACKS,
	WAIT,
	FAIL_ON,
	EXITCODE,
	REPORT,
	QUARANTINE,
	SUPPRESSIONS,
	NO_SUPPRESSIONS,
	STACKS,
	SIZE,
	RETRY,
	INJECT,
	IGNORE,
	NOTE,
	RULES,
	SEED,
	REPLAY
};

static int take_rule(struct run_options *o, int c, const char *value)
{
	switch (c) {
	case RETRY:
		return rulefile_add(&o->rules, "--retry", RULE_retry, value, 125);
	case INJECT:
		return rulefile_add(&o->rules, "--inject", RULE_inject, value, 125);
	case IGNORE:
		return rulefile_add(&o->rules, "--ignore", RULE_ignore, value, 125);
	case NOTE:
		return rulefile_add(&o->rules, "--note", RULE_note, value, 125);
	case RULES:
		return rulefile_read(&o->rules, value, 125);
	case SEED:
		return set_seed(o, value);
	default:
		o->replay = value;
		return 0;
	}
}

static int take_known(struct run_options *o, int c, const char *value)
{
	if (c == SUPPRESSIONS)
		return suppress_read(&o->suppressions, value, 125);
	o->no_default = true;
	return 0;
}

static int take(struct run_options *o, int c, const char *value)
{
	switch (c) {
	case 'o':
		o->directory = value;
		return 0;
	case LOG:
		o->log = value;
		return 0;
	case LOG_STACKS:
		o->log_stacks = true;
		return 0;
	case WAIT:
		return set_wait(o, value);
	case FAIL_ON:
		return run_fail_parse(value, &o->fail_on);
	case EXITCODE:
		return set_number("--error-exitcode", value, 255, &o->error_exitcode);
	case REPORT:
		o->report = true;
		return 0;
	case QUARANTINE:
		o->quarantine = true;
		return 0;
	case SUPPRESSIONS ... NO_SUPPRESSIONS:
		return take_known(o, c, value);
	case STACKS:
		return set_stacks(o, value);
	case SIZE:
		return set_size(o, value);
	case RETRY ... REPLAY:
		return take_rule(o, c, value);
	case 'q':
		o->quiet = true;
		return 0;
	case 'h':
		return fputs(help, stdout) < 0 ? 125 : 1;
	default:
		return util_error(125, "see fdwhy run --help");
	}
}

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"log", required_argument, NULL, LOG},
	{"log-stacks", no_argument, NULL, LOG_STACKS},
	{"wait", required_argument, NULL, WAIT},
	{"fail-on", required_argument, NULL, FAIL_ON},
	{"error-exitcode", required_argument, NULL, EXITCODE},
	{"report", no_argument, NULL, REPORT},
	{"quarantine", no_argument, NULL, QUARANTINE},
	{"suppressions", required_argument, NULL, SUPPRESSIONS},
	{"no-suppressions", no_argument, NULL, NO_SUPPRESSIONS},
	{"stacks", required_argument, NULL, STACKS},
	{"size", required_argument, NULL, SIZE},
	{"retry", required_argument, NULL, RETRY},
	{"inject", required_argument, NULL, INJECT},
	{"ignore", required_argument, NULL, IGNORE},
	{"note", required_argument, NULL, NOTE},
	{"rules", required_argument, NULL, RULES},
	{"seed", required_argument, NULL, SEED},
	{"replay", required_argument, NULL, REPLAY},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

int run_parse(int argc, char **argv, struct run_options *ret)
{
	const char *file = getenv("FDWHY_RULES");
	int c, status = 0;

	*ret = (struct run_options){.error_exitcode = -1};
	while (!status && (c = getopt_long(argc, argv, "+o:qh", options, NULL)) != -1)
		status = take(ret, c, optarg);
	if (status)
		return status;
	if (!argv[optind])
		return util_error(125, "run: no command given; fdwhy run -- COMMAND");
	ret->command = argv + optind;
	if (!ret->no_default && suppress_read_default(&ret->suppressions, 125))
		return 125;
	if (ret->replay && ret->rules.count)
		return util_error(125, "--replay=%s goes without other rules", ret->replay);
	if (!ret->replay && file && *file)
		return rulefile_read(&ret->rules, file, 125);
	return 0;
}
