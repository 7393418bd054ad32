/* SPDX-License-Identifier: MIT */
/* cmd_check.c - fdwhy check: can these programs be recorded, and if not, what to do instead. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "elfkind.h"
#include "json_add.h"
#include "names.h"
#include "util.h"

static const char help[] =
	"usage: fdwhy check [--json] PROGRAM...\n"
	"\n"
	"Can the shim be loaded into PROGRAM (a path, or a name looked up in PATH)?\n"
	"\n"
	"  -j, --json  for machines\n"
	"  -h, --help  this text\n"
	"\n"
	"Exit status: 0 all can, 1 one cannot, 2 one cannot be found or read, or an option\n"
	"is wrong.\n";

/* As execvp(3) would find it; allocated, NULL when there is none. */
static char *find(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, F_OK) ? NULL : util_copy(name);
	while (path && *path) {
		size_t n = strcspn(path, ":");
		char *candidate = util_format("%.*s/%s", (int)n, path, name);

		if (!access(candidate, X_OK))
			return candidate;
		free(candidate);
		path += n + (path[n] == ':');
	}
	return NULL;
}

struct answer {
	char *path, *interpreter;
	enum exec_why why;
};

/* A script is as good as its interpreter, which may be one itself, as deep as the kernel allows. */
static enum exec_why follow(const char *path, int depth)
{
	char *next = NULL;
	enum exec_why why = elfkind_of(path, &next);

	if (why == EXEC_script && next && depth < 4)
		why = follow(next, depth + 1);
	else if (why == EXEC_followed && elfkind_is_go(path))
		why = EXEC_go;
	free(next);
	return why;
}

static void ask(struct answer *a)
{
	a->why = elfkind_of(a->path, &a->interpreter);
	if (a->why == EXEC_script && a->interpreter)
		a->why = follow(a->interpreter, 1);
	else if (a->why == EXEC_followed && elfkind_is_go(a->path))
		a->why = EXEC_go;
}

static void print(const struct answer *a)
{
	printf("%s%s%s%s: %s", a->path, a->interpreter ? " (script of " : "",
	       a->interpreter ? a->interpreter : "", a->interpreter ? ")" : "",
	       a->why == EXEC_followed ? "can be recorded" : "cannot be recorded: ");
	if (a->why != EXEC_followed)
		printf("%s; instead: %s", names_why(a->why), names_instead(a->why));
	putchar('\n');
}

static struct json_object *as_json(const struct answer *a)
{
	struct json_object *o = json_object_new_object();
	bool ok = a->why == EXEC_followed;

	ADD(o, "program", json_object_new_string(a->path));
	ADD(o, "interpreter", json_text(a->interpreter));
	ADD(o, "recordable", json_object_new_boolean(ok));
	ADD(o, "reason", ok ? NULL : json_object_new_string(names_why(a->why)));
	ADD(o, "instead", ok ? NULL : json_object_new_string(names_instead(a->why)));
	return o;
}

static int tell(const struct answer *a, struct json_object *list)
{
	if (a->why == EXEC_unreadable)
		return util_error(2, "%s: no program that can be read; check path and permissions",
				  a->interpreter ? a->interpreter : a->path);
	if (list)
		json_object_array_add(list, as_json(a));
	else
		print(a);
	return a->why == EXEC_followed ? 0 : 1;
}

static int check_one(const char *name, struct json_object *list)
{
	struct answer a = {.path = find(name)};
	int status;

	if (!a.path)
		return util_error(2, "%s: no such program; check the path, or PATH", name);
	ask(&a);
	status = tell(&a, list);
	free(a.path);
	free(a.interpreter);
	return status;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct json_object *list = NULL;
	int c, status = 0;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0;
		if (c != 'j')
			return util_error(2, "see fdwhy check --help");
		if (!list)
			list = json_object_new_array();
	}
	if (optind == argc)
		return util_error(2, "check: which program? fdwhy check PROGRAM");
	for (; optind < argc; optind++) {
		int one = check_one(argv[optind], list);

		status = one > status ? one : status;
	}
	if (list)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	return status;
}
