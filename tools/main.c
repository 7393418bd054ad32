/* SPDX-License-Identifier: MIT */
/* main.c - fdwhy: finds the sub-command. */
#include <stdio.h>
#include <string.h>
#include "cmd.h"
#include "term.h"
#include "util.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{"run", cmd_run, "run a command and record every EAGAIN and every fd"},
	{"report", cmd_report, "say why calls failed and what was left open"},
	{"fds", cmd_fds, "who has what open, and how long until a limit"},
	{"suppress", cmd_suppress, "write suppressions of what a report says"},
	{"list", cmd_list, "the sessions there are"},
	{"check", cmd_check, "can this program be recorded?"},
	{"rules", cmd_rules, "what would the rules of a file do?"},
	{"sweep", cmd_sweep, "fail each call of a test once: what breaks?"},
	{"ctl", cmd_ctl, "change the rules of a running session"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	puts("usage: fdwhy COMMAND [options]\n"
	     "\n"
	     "Why did a call fail with \"Resource temporarily unavailable\", and why is this file\n"
	     "descriptor still open? For unmodified programs.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].text);
	puts("\nStart with:  fdwhy run -- your-daemon --its-options\n"
	     "then:        fdwhy report\n"
	     "Each command has --help. fdwhy --version prints the version.");
	return 0;
}

static const char *nearest(const char *name)
{
	const char *best = commands[0].name;

	for (size_t i = 1; i < COMMANDS; i++)
		if (util_distance(name, commands[i].name) < util_distance(name, best))
			best = commands[i].name;
	return best;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	term_init();
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return help();
	if (!strcmp(name, "--version"))
		return puts("fdwhy " FDWHY_VERSION) < 0;
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return util_error(2, "%s: no such command; did you mean %s? (fdwhy --help)", name,
			  nearest(name));
}
