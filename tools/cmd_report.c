/* SPDX-License-Identifier: MIT */
/* cmd_report.c - fdwhy report: options, then model, symbols and an output. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "fold.h"
#include "names.h"
#include "out.h"
#include "session.h"
#include "suppress.h"
#include "term.h"
#include "util.h"

static const char help[] =
	"usage: fdwhy report [options] [SESSION]\n"
	"\n"
	"Say why calls failed with EAGAIN and which fds were left open, worst first.\n"
	"SESSION is a name from `fdwhy list` or a directory; default: the latest.\n"
	"Works while the session runs, after it, and after its processes were killed.\n"
	"\n"
	"  -a, --all         everything: benign and expected places, whole stacks, processes\n"
	"  -j, --json        for machines (see docs/json.md)\n"
	"  -p, --pid=PID     only this process\n"
	"  -c, --call=NAME   only this call, e.g. connect\n"
	"      --no-symbols  module+offset only; fast\n"
	"      --suppressions=FILE  leave out what it lists (often; see fdwhy-suppress(1))\n"
	"      --no-suppressions    show also what libc and runtimes are known to keep open\n"
	"      --no-stop     do not stop the process on the other side for a moment to see where\n"
	"                    it is now\n"
	"  -h, --help        this text\n"
	"\n"
	"Exit status: 0, or 2 when there is no such session or an option is wrong.\n";

struct request {
	struct out_options out;
	struct model_options model;
	struct suppressions own, *suppressions;
	bool json, symbols, no_default;
	bool stop; /* processes, for a moment, to see where they are */
	const char *session;
};

static int set_call(struct request *r, const char *name)
{
	const char *near = NULL;

	r->out.call = names_find_call(name, &near);
	if (r->out.call)
		return 0;
	return util_error(2, "--call=%s: no such call is recorded; did you mean %s?", name, near);
}

static int set_pid(struct request *r, const char *s)
{
	char *end;
	long pid = strtol(s, &end, 10);

	if (*end || pid <= 0 || pid > INT32_MAX)
		return util_error(2, "--pid=%s: not a process id", s);
	r->model.pid = (int)pid;
	return 0;
}

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{"json", no_argument, NULL, 'j'},
	{"pid", required_argument, NULL, 'p'},
	{"call", required_argument, NULL, 'c'},
	{"no-symbols", no_argument, NULL, 'n'},
	{"no-stop", no_argument, NULL, 's'},
	{"suppressions", required_argument, NULL, 'S'},
	{"no-suppressions", no_argument, NULL, 'N'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Status, or 1 when help was printed. */
static int take(struct request *r, int c)
{
	switch (c) {
	case 'a':
		r->out.all = true;
		return 0;
	case 'j':
		r->json = true;
		return 0;
	case 'n':
		r->symbols = false;
		return 0;
	case 's':
		r->stop = false;
		return 0;
	case 'S':
		return suppress_read(&r->own, optarg, 2);
	case 'N':
		r->no_default = true;
		return 0;
	case 'p':
		return set_pid(r, optarg);
	case 'c':
		return set_call(r, optarg);
	case 'h':
		return fputs(help, stdout) < 0 ? 2 : 1;
	default:
		return util_error(2, "see fdwhy report --help");
	}
}

/* 0 go on, 1 help was printed, else an exit status. */
static int parse(int argc, char **argv, struct request *r)
{
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "ajp:c:h", options, NULL)) != -1)
		status = take(r, c);
	if (!status && optind + 1 < argc)
		status = util_error(2, "%s: one session at a time", argv[optind + 1]);
	if (!status && !r->no_default)
		status = suppress_read_default(&r->own, 2);
	r->session = argv[optind];
	return status;
}

static int print(struct request *r, struct model *m)
{
	struct symbols *s =
		symbols_open(m, r->symbols, isatty(STDERR_FILENO) && isatty(STDOUT_FILENO));

	if (r->stop)
		model_present(m, r->out.all);
	fold_fds(m, s);
	model_states(m);
	suppress_apply(r->suppressions, m, s);
	if (r->json)
		out_json(stdout, m, s, &r->out);
	else
		out_text(stdout, m, s, &r->out);
	symbols_close(s);
	return fflush(stdout) ? util_error(2, "standard output: cannot write") : 0;
}

static int report(struct request *r, const char *path)
{
	struct model m;
	int error = model_load(path, &r->model, &m);

	if (error) {
		model_free(&m);
		return util_error(2, "%s: %s", path, strerror(-error));
	}
	if (!m.processes_count && !m.coverage_count) {
		model_free(&m);
		return util_error(2, "%s: no records%s", path,
				  r->model.pid ? " of this process"
					       : "; is it a session directory?");
	}
	if (!m.processes_count) /* nothing could be read: say why, not "0 processes" */
		error = util_error(2, "%s: %s", path, m.coverage[0].what);
	else
		error = print(r, &m);
	model_free(&m);
	return error;
}

int cmd_report(int argc, char **argv)
{
	struct request r = {.symbols = true, .stop = true};
	struct session s;
	int status = parse(argc, argv, &r);

	r.suppressions = &r.own;
	if (!status)
		status = session_find(r.session, &s);
	if (!status) {
		r.out.name = s.name;
		status = report(&r, s.path);
		session_free(&s);
	}
	suppress_free(&r.own);
	return status == 1 ? 0 : status;
}

int cmd_report_session(const char *path, const char *name, struct suppressions *known)
{
	struct request r = {.symbols = true, .out.name = name, .suppressions = known};

	return report(&r, path);
}
