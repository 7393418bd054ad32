/* SPDX-License-Identifier: MIT */
/* cmd_rules.c - fdwhy rules: says what the rules of a file would do, and what is wrong with them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "call_errors.h"
#include "cmd.h"
#include "names.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "util.h"

#define SHOWN 6 /* calls of a warning */

static const char help[] =
	"usage: fdwhy rules --explain FILE...\n"
	"\n"
	"Say in words what each rule of a rules file matches and does; or where a file is wrong.\n"
	"Warns of an injected error that a call never gives by its man page.\n"
	"A line is an action and a rule; # begins a comment:\n"
	"\n"
	"  inject connect:error=EAGAIN:path=/run/app/*:when=3+2\n"
	"  retry  flock,fcntl:for=5s\n"
	"  ignore recv:comm=worker*\n"
	"\n"
	"The same rules without the action go to fdwhy run --inject, --retry and --ignore, and to\n"
	"fdwhy ctl. The grammar is in fdwhy-rules(1).\n"
	"\n"
	"  -e, --explain  print each rule in words\n"
	"  -h, --help     this text\n"
	"\n"
	"Exit status: 0; 2 when a file has a mistake or cannot be read.\n";

static bool has_errors(unsigned call)
{
	size_t n;

	return call_errors((enum call_id)call, &n);
}

static bool is_strange(const struct rule *r, unsigned call)
{
	return has_errors(call) && !call_errors_gives((enum call_id)call, r->error);
}

static bool is_unreached(const struct rule *r, unsigned call)
{
	(void)r;
	return !has_errors(call);
}

/* " send recv ... (9 of 12)" */
static void warn(const char *text, const struct rule *r,
		 bool (*is)(const struct rule *r, unsigned call))
{
	unsigned found = 0, calls = 0;

	for (unsigned call = 1; call < CALL_COUNT; call++) {
		if (!rules_has_call(r, call))
			continue;
		calls++;
		if (!is(r, call))
			continue;
		if (!found)
			printf("    warning: %s", text);
		if (found++ < SHOWN)
			printf(" %s", call_name(call));
	}
	if (found)
		printf("%s (%u of %u)\n", found > SHOWN ? " ..." : "", found, calls);
}

/* An injected error that no kernel gives finds bugs that nobody has. */
static void doubt(const struct rule *r)
{
	char *text;

	if (!(r->flags & RULE_ERROR))
		return;
	text = util_format("by the man pages %s never comes from", rules_error_name(r->error));
	warn(text, r, is_strange);
	warn("rules cannot make these fail:", r, is_unreached);
	free(text);
}

static int explain(const char *path)
{
	struct rulefile f = {0};
	int status = rulefile_read(&f, path, 2);

	for (size_t i = 0; !status && i < f.count; i++) {
		char *text = rulefile_explain(&f.rules[i]);

		printf("%s %s\n    %s\n", rules_action_name(f.rules[i].action), f.rules[i].text,
		       text);
		doubt(&f.rules[i]);
		free(text);
	}
	rulefile_free(&f);
	return status;
}

int cmd_rules(int argc, char **argv)
{
	static const struct option options[] = {
		{"explain", no_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, status = 0;

	while ((c = getopt_long(argc, argv, "eh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? 2 : 0;
		if (c != 'e')
			return util_error(2, "see fdwhy rules --help");
	}
	if (!argv[optind])
		return util_error(2, "rules: no file given; fdwhy rules --explain FILE");
	for (; argv[optind]; optind++)
		if (explain(argv[optind]))
			status = 2;
	return status;
}
