/* SPDX-License-Identifier: MIT */
/*
 * test_man.c - man pages know what the command knows: each option of each --help stands in its page
 * and the other way round, each function of the headers in fdwhy(3), and their examples are right.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

/* A page as it reads: without fonts, quotes, and with plain hyphens. */
static char *page_text(const char *name)
{
	char path[512], *text, *to;

	snprintf(path, sizeof(path), "docs/%s", name);
	text = file_text(path);
	if (!*text)
		fail_msg("%s is missing", path);
	to = text;
	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] == 'f' && from[2])
			from += 2;
		else if (*from != '\\' && *from != '"')
			*to++ = *from;
	}
	*to = '\0';
	return text;
}

static char *help_of(const struct work *w, const char *command)
{
	char *argv[] = {ARG(built("fdwhy")), ARG(command), *command == '-' ? NULL : "--help", NULL};
	struct proc p;

	assert_int_equal(run(w, argv, NULL, &p), 0);
	return file_text(p.out);
}

static size_t option_length(const char *s)
{
	size_t n = strspn(s, "-");

	while (islower((unsigned char)s[n]) || (s[n] == '-' && n > 1))
		n++;
	return n;
}

/* Is option s[0..n) in text, not as the beginning of a longer one? */
static bool has_option(const char *text, const char *s, size_t n)
{
	const char *at = text;
	char option[64];

	snprintf(option, sizeof(option), "%.*s", (int)n, s);
	for (; (at = strstr(at, option)); at++)
		if (!islower((unsigned char)at[n]) && at[n] != '-' && (at == text || at[-1] != '-'))
			return true;
	return false;
}

/* Each option at the head of `line`, as in "-o, --output=DIR", must be in text. */
static void options_are_in(const char *line, const char *text, const char *where)
{
	const char *end = line + strcspn(line, "\n"), *at = line + strspn(line, " ");

	while (at < end && *at == '-') {
		size_t n = option_length(at);

		if (n > 1 && !has_option(text, at, n))
			fail_msg("%.*s is not in %s", (int)n, at, where);
		at += n;
		at += strcspn(at, " \n");
		at += strspn(at, ", ");
	}
}

static void check_help(const char *help, const char *page, const char *name)
{
	for (const char *line = help; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == ' ' && line[strspn(line, " ")] == '-')
			options_are_in(line, page, name);
	}
}

/* ".BR -o , --output =DIR" and ".B --report" begin options, after .TP. */
static void check_page(const char *page, const char *help, const char *name)
{
	const char *line = page;

	while ((line = strstr(line, "\n.TP\n.B"))) {
		const char *end = strchr(line += 7, '\n');

		while ((line = strstr(line, " -")) && line < end)
			options_are_in(line++, help, name);
		line = end;
	}
}

static void check_command(const struct work *w, const char *name)
{
	char page_name[64], *page, *help = help_of(w, name);

	snprintf(page_name, sizeof(page_name), "fdwhy-%s.1", name);
	page = page_text(page_name);
	check_help(help, page, page_name);
	check_page(page, help, name);
	free(page);
	free(help);
}

static void pages_and_help_have_the_same_options(void **state)
{
	char *all = help_of(*state, "--help"), *overview = page_text("fdwhy.1"), name[32], see[64];
	unsigned commands = 0;

	for (const char *line = all; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "  %31[a-z] ", name) != 1 || strncmp(line, "  ", 2))
			continue;
		check_command(*state, name);
		snprintf(see, sizeof(see), "fdwhy-%s", name);
		if (!strstr(overview, see))
			fail_msg("%s is not in fdwhy.1", see);
		commands++;
	}
	assert_true(commands >= 7);
	free(overview);
	free(all);
}

/* Names that end in _ are the headers' own. */
static void check_header(const char *header, const char *page)
{
	char *text = file_text(header), name[64];

	assert_true(*text);
	for (const char *at = text; (at = strstr(at, "fdwhy_")); at += strlen(name)) {
		sscanf(at, "%63[a-z_]", name);
		if (at[strlen(name)] == '(' && name[strlen(name) - 1] != '_' && !strstr(page, name))
			fail_msg("%s of %s is not in fdwhy.3", name, header);
	}
	free(text);
}

static void each_function_of_the_headers_has_its_place(void **state)
{
	char *page = page_text("fdwhy.3");

	(void)state;
	check_header("include/fdwhy.h", page);
	check_header("include/fdwhy_cmocka.h", page);
	free(page);
}

static void the_rules_of_the_page_are_rules(void **state)
{
	const struct work *w = *state;
	char *page = page_text("fdwhy-rules.1"), *end = strstr(page, ".SH EXAMPLES\n.nf\n");
	char *argv[] = {ARG(built("fdwhy")), "rules", "--explain", ARG(work_path(w, "rules")),
			NULL};
	struct proc p;

	assert_non_null(end);
	*strstr(end, "\n.fi") = '\0';
	file_write(argv[3], "%s\n", end + strlen(".SH EXAMPLES\n.nf\n"));
	if (run(w, argv, NULL, &p))
		fail_msg("%s", file_text(p.err));
	free(page);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(pages_and_help_have_the_same_options),
		T(each_function_of_the_headers_has_its_place),
		T(the_rules_of_the_page_are_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
