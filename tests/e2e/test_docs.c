/* SPDX-License-Identifier: MIT */
/*
 * test_docs.c - the examples of docs/ are true: what is typed prints what stands there, every rule
 * is understood, and every fdwhy run line is accepted.
 *
 *   <!-- file: NAME -->   the next block is written to this file
 *   <!-- needs: MODULE --> of Python: without it the rest of the section is skipped
 *   ```console            lines "$ command", then what it prints; "..." stands for any text
 *   ```rules              a rules file
 *   ```sh                 lines "fdwhy run OPTIONS -- COMMAND": with a command that does nothing
 *   `inject RULE`         in text: a line of a rules file; so are retry, ignore and note
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"

struct doc {
	const struct work *w;
	const char *name;
	char file[128]; /* of the next block; "" none */
	bool skipping;  /* this section needs what is not there */
	unsigned checked;
};

static char root[PATH_MAX];

/* ---- doing ------------------------------------------------------------------------------------
 */

static char *output_of(const struct doc *d, const char *command, int *ret_status)
{
	static char path[PATH_MAX + 64], config[PATH_MAX];
	char script[4096], bin[PATH_MAX];
	char *argv[] = {"bash", "-c", script, NULL};
	char *env[] = {path, config, "LC_ALL=C", "PYTHONDONTWRITEBYTECODE=1", NULL};
	struct proc p;

	snprintf(bin, sizeof(bin), "%s", built("fdwhy"));
	*strrchr(bin, '/') = '\0';
	snprintf(path, sizeof(path), "PATH=%s:/usr/bin:/bin:/usr/sbin:/sbin", bin);
	snprintf(config, sizeof(config), "PKG_CONFIG_PATH=%s", d->w->dir);
	snprintf(script, sizeof(script), "exec 2>&1\n%s", command);
	*ret_status = run(d->w, argv, env, &p);
	return file_text(p.out);
}

static bool is_like(const char *pattern, const char *text);

static bool end_is_like(const char *pattern, const char *text)
{
	do
		if (is_like(pattern, text))
			return true;
	while (*text++);
	return false;
}

/* "..." of the pattern is any text. */
static bool is_like(const char *pattern, const char *text)
{
	for (; *pattern; pattern++, text++) {
		if (!strncmp(pattern, "...", 3))
			return end_is_like(pattern + 3, text);
		if (*pattern != *text)
			return false;
	}
	return !*text;
}

static void type_command(struct doc *d, const char *command, const char *expected)
{
	int status;
	char *said = output_of(d, command, &status);

	if (!is_like(expected, said))
		fail_msg("%s: $ %s\nshould print\n%s\nbut printed\n%s", d->name, command, expected,
			 said);
	free(said);
	d->checked++;
}

static void must_succeed(struct doc *d, const char *command, const char *about)
{
	int status;
	char *said = output_of(d, command, &status);

	if (status)
		fail_msg("%s: %s\n%s\n%s", d->name, command, about, said);
	free(said);
	d->checked++;
}

/* ---- blocks -----------------------------------------------------------------------------------
 */

/* A command and what stands below it; returns where the next one begins. */
static const char *one_command(struct doc *d, const char *at)
{
	char command[2048] = "", expected[4096] = "";
	const char *end = strchr(at, '\n');

	snprintf(command, sizeof(command), "%.*s", (int)(end - at - 2), at + 2);
	for (at = end + 1; *at && strncmp(at, "$ ", 2); at = end + 1) {
		end = strchr(at, '\n');
		strncat(expected, at, (size_t)(end + 1 - at));
	}
	type_command(d, command, expected);
	return at;
}

static void check_runs(struct doc *d, char *text)
{
	char *rest = NULL, command[2048];

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *end = strstr(line, " -- ");

		if (strncmp(line, "fdwhy run ", 10))
			fail_msg("%s: an sh block has only fdwhy run: %s", d->name, line);
		assert_non_null(end);
		snprintf(command, sizeof(command), "%.*s -q -- true", (int)(end - line), line);
		must_succeed(d, command, line);
	}
}

static void check_rules(struct doc *d, const char *text)
{
	file_write(work_path(d->w, "doc.rules"), "%s\n", text);
	must_succeed(d, "fdwhy rules --explain doc.rules", text);
}

static void block(struct doc *d, const char *language, char *text)
{
	if (d->skipping)
		return;
	if (*d->file) {
		file_write(work_path(d->w, d->file), "%s", text);
		*d->file = '\0';
	} else if (!strcmp(language, "console")) {
		for (const char *at = text; *at;)
			at = one_command(d, at);
	} else if (!strcmp(language, "rules")) {
		check_rules(d, text);
	} else if (!strcmp(language, "sh")) {
		check_runs(d, text);
	}
}

/* ---- text -------------------------------------------------------------------------------------
 */

static bool is_rule(const char *text)
{
	return !strncmp(text, "inject ", 7) || !strncmp(text, "retry ", 6) ||
	       !strncmp(text, "ignore ", 7) || !strncmp(text, "note ", 5);
}

static void inline_rules(struct doc *d, const char *line)
{
	const char *end;
	char rule[512];

	for (; (line = strchr(line, '`')); line = end + 1) {
		end = strchr(++line, '`');
		if (!end)
			return;
		snprintf(rule, sizeof(rule), "%.*s", (int)(end - line), line);
		if (is_rule(rule))
			check_rules(d, rule);
	}
}

static void text_line(struct doc *d, const char *line)
{
	char module[64], command[128];

	if (!strncmp(line, "## ", 3))
		d->skipping = false;
	sscanf(line, "<!-- file: %127[^ ]", d->file);
	if (sscanf(line, "<!-- needs: %63[^ ]", module) == 1) {
		int status;

		snprintf(command, sizeof(command), "python3 -c 'import %s'", module);
		free(output_of(d, command, &status));
		d->skipping = status != 0;
		if (status)
			print_message("skip: Python has no %s: %s is not tested whole\n", module,
				      d->name);
	}
	inline_rules(d, line);
}

/* Returns what follows the block that begins after `at`. */
static char *take_block(struct doc *d, char *language, char *at)
{
	char *end = strstr(at, "\n```\n"), *text = at + strcspn(at, "\n") + 1;

	if (!end)
		fail_msg("%s: a block without an end", d->name);
	language[strcspn(language, "\n")] = '\0';
	end[1] = '\0';
	block(d, language, text);
	return end + 5;
}

static unsigned check(const struct work *w, const char *name)
{
	struct doc d = {.w = w, .name = name};
	char path[PATH_MAX + 64], *text, *at;

	snprintf(path, sizeof(path), "%s/docs/%s", root, name);
	text = at = file_text(path);
	if (!*text)
		fail_msg("%s is not there", path);
	while (*at) {
		char *end = strchr(at, '\n');

		if (!strncmp(at, "```", 3)) {
			at = take_block(&d, at + 3, at);
			continue;
		}
		*end = '\0';
		text_line(&d, at);
		at = end + 1;
	}
	free(text);
	return d.checked;
}

/* As installed, but from the source. */
static void write_pc(const struct work *w)
{
	char command[2 * PATH_MAX + 128];
	struct doc d = {.w = w, .name = "fdwhy.pc.in"};

	snprintf(command, sizeof(command), "sed 's|@PREFIX@|%s|' %s/fdwhy.pc.in >fdwhy.pc", root,
		 root);
	must_succeed(&d, command, "");
}

static void testing_md_is_true(void **state)
{
	write_pc(*state);
	assert_true(check(*state, "testing.md") > 5);
}

static void rules_md_is_true(void **state)
{
	const struct work *w = *state;

	file_write(work_path(w, "notes"), "something\n");
	assert_true(check(w, "rules.md") > 50);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(testing_md_is_true),
		T(rules_md_is_true),
	};

	if (!getcwd(root, sizeof(root)))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
