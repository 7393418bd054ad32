/* SPDX-License-Identifier: MIT */
/* cmd_suppress.c - fdwhy suppress: writes suppressions of what a report says. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "cmd.h"
#include "fold.h"
#include "session.h"
#include "suppress.h"
#include "util.h"

static const char help[] =
	"usage: fdwhy suppress [options] [SESSION]\n"
	"\n"
	"Write lines that suppress what the report of SESSION says of leaks, of fds leaked into\n"
	"programs and of misuse, each below a comment that says what it is. Look through them, "
	"keep\n"
	"those that are known and meant, and give them to fdwhy report or fdwhy run:\n"
	"\n"
	"  fdwhy suppress >known.supp\n"
	"  fdwhy run --fail-on=leak,misuse --suppressions=known.supp -- ./test-suite\n"
	"\n"
	"  -a, --all                also places that are idle, or open at exit\n"
	"      --suppressions=FILE  leave out what this file suppresses already (often)\n"
	"      --no-suppressions    also what libc and runtimes are known to keep open\n"
	"  -h, --help               this text\n"
	"\n"
	"Exit status: 0, or 2 when there is no such session, or a file has a mistake.\n";

struct request {
	struct suppressions known;
	bool all, no_default;
};

static int parse(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"suppressions", required_argument, NULL, 'S'},
		{"no-suppressions", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
		if (c == 'a')
			r->all = true;
		else if (c == 'n')
			r->no_default = true;
		else if (c == 'S')
			status = suppress_read(&r->known, optarg, 2);
		else if (c == 'h')
			status = fputs(help, stdout) < 0 ? 2 : 1;
		else
			status = util_error(2, "see fdwhy suppress --help");
	}
	if (!status && optind + 1 < argc)
		status = util_error(2, "%s: one session at a time", argv[optind + 1]);
	if (!status && !r->no_default)
		status = suppress_read_default(&r->known, 2);
	return status;
}

static int write_them(struct request *r, const char *path)
{
	const struct model_options options = {0};
	struct model m;
	int error = model_load(path, &options, &m);
	struct symbols *s;

	if (error) {
		model_free(&m);
		return util_error(2, "%s: %s", path, strerror(-error));
	}
	s = symbols_open(&m, true, false);
	fold_fds(&m, s);
	model_states(&m);
	suppress_apply(&r->known, &m, s);
	suppress_write(stdout, &m, s, r->all ? VERDICT_at_exit : VERDICT_growing);
	symbols_close(s);
	model_free(&m);
	return fflush(stdout) ? util_error(2, "standard output: cannot write") : 0;
}

int cmd_suppress(int argc, char **argv)
{
	struct request r = {0};
	struct session s;
	int status = parse(argc, argv, &r);

	if (!status)
		status = session_find(argv[optind], &s);
	if (!status) {
		status = write_them(&r, s.path);
		session_free(&s);
	}
	suppress_free(&r.known);
	return status == 1 ? 0 : status;
}
