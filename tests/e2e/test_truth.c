/* SPDX-License-Identifier: MIT */
/*
 * test_truth.c - leaks of released programs (truth_leaks.c): each is driven until the report's
 * first suspect is a leak, and its stack must have the function that the upstream fix changed. By
 * default those that Debian ships; FDWHY_TRUTH=all or =<name> asks for the built ones
 * (make check-truth).
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "truth.h"

#define VERDICT_S 240 /* given up after */

struct growth {
	pid_t pid;
	const char *part;
	int than;
};

static int count_open(pid_t pid, const char *part)
{
	char path[64], target[512];
	struct dirent *e;
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		n += len > 0 && strstr(target, part);
	}
	if (d)
		closedir(d);
	return n;
}

static bool has_more(void *arg)
{
	struct growth *g = arg;

	return kill(g->pid, 0) || count_open(g->pid, g->part) > g->than;
}

struct search {
	const struct leak *leak;
	struct run *r;
	json_object *report;
	char verdict[32];
};

/* One leak more, and: is it known by now? */
static bool is_found(struct search *s)
{
	struct growth g = {s->r->p.pid, s->leak->grows, count_open(s->r->p.pid, s->leak->grows)};
	json_object *first;

	s->leak->once(s->r);
	if (s->leak->once != nothing)
		assert_true(wait_until(has_more, &g, 30));
	s->r->leaked++;
	if (s->report)
		json_object_put(s->report);
	s->report = report_of(s->r->w, work_path(s->r->w, "s"));
	first = json_object_array_get_idx(field(s->report, "fds"), 0);
	return first && !strcmp(text_of(first, "verdict"), "leak");
}

static bool in_module(json_object *site, const char *module)
{
	json_object *frame = json_object_array_get_idx(field(site, "stack"), 0);

	return frame && strstr(text_of(frame, "module"), module);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A row of the table in docs/leaks.md. */
static void tell(const struct search *s, json_object *first, double seconds)
{
	const char *path = getenv("FDWHY_TRUTH_TABLE");
	json_object *frame = json_object_array_get_idx(field(first, "stack"), 0);
	const char *where =
		s->leak->function ? s->leak->function : strrchr(text_of(frame, "module"), '/') + 1;
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "| %s | %s | %s | %s | %s of `%s` in `%s` | %s: %s | %.0f s |\n", s->leak->name,
		s->r->version, s->leak->bug, s->leak->fix, text_of(first, "kind"),
		text_of(first, "call"), where, text_of(first, "verdict"), text_of(first, "reason"),
		seconds);
	fclose(f);
}

static void expect_found(const struct leak *leak, struct run *r)
{
	struct search s = {.leak = leak, .r = r};
	double began = now();
	bool found = false;
	double took = 0;
	json_object *first;

	while (!found && took < VERDICT_S) {
		found = is_found(&s);
		took = now() - began;
	}
	first = json_object_array_get_idx(field(s.report, "fds"), 0);
	if (!found)
		print_error("%s\n", json_object_to_json_string_ext(first, JSON_C_TO_STRING_PRETTY));
	assert_true(found);
	if (leak->function)
		assert_true(stack_has(first, "stack", leak->function));
	else
		assert_true(in_module(first, leak->module));
	assert_int_equal(number_of(s.report, "totals.leaks"), 1);
	assert_int_equal(number_of(s.report, "totals.growing"), 0);
	tell(&s, first, took);
	json_object_put(s.report);
}

static bool find_program(const struct leak *leak, struct run *r)
{
	char path[128];

	snprintf(path, sizeof(path), "truth/%s/program", leak->name);
	strcpy(r->program, leak->module ? leak->module : built(path));
	strcpy(r->conf, work_path(r->w, "files"));
	return !access(r->program, F_OK) && (!leak->module || installed("nginx"));
}

static char *first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void find_version(const struct leak *leak, struct run *r)
{
	char *argv[] = {"dpkg-query", "-W", "-f", "${Version}\n", ARG(leak->name), NULL};
	char path[128], *text;
	struct proc p;

	if (leak->module) {
		run(r->w, argv, NULL, &p);
		text = file_text(p.out);
	} else {
		snprintf(path, sizeof(path), "truth/%s/version", leak->name);
		text = file_text(built(path));
	}
	snprintf(r->version, sizeof(r->version), "%s", first_line(text));
	free(text);
}

static void skip_why(const struct leak *leak)
{
	char path[128], *why;

	snprintf(path, sizeof(path), "truth/%s/why", leak->name);
	why = first_line(file_text(built(path)));
	print_message("skip: %s: %s\n", leak->name, *why ? why : "not installed");
	free(why);
	skip();
}

static const struct leak *current;

static void the_first_suspect_is_the_known_leak(void **state)
{
	struct run r = {.w = *state};

	if (!find_program(current, &r))
		skip_why(current);
	find_version(current, &r);
	current->start(&r);
	expect_found(current, &r);
	if (!r.ended)
		proc_stop(&r.p, SIGTERM);
}

static bool is_wanted(const struct leak *leak)
{
	const char *which = getenv("FDWHY_TRUTH");

	return which ? !strcmp(which, "all") || !strcmp(which, leak->name) : leak->module != NULL;
}

int main(void)
{
	int bad = 0;

	for (size_t i = 0; i < leaks_count; i++) {
		struct CMUnitTest test[] = {cmocka_unit_test_setup_teardown(
			the_first_suspect_is_the_known_leak, work_begin, work_end)};

		test[0].name = leaks[i].name;
		current = &leaks[i];
		if (is_wanted(&leaks[i]))
			bad += cmocka_run_group_tests_name(leaks[i].name, test, NULL, NULL);
	}
	return bad;
}
