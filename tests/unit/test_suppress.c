/* SPDX-License-Identifier: MIT */
/* test_suppress.c - the text of suppressions, what is wrong with it, what it matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "suppress.h"
#include "util.h"

static void frames_are_a_function_and_a_module_side_by_side(void **state)
{
	struct suppression s;
	struct rules_error e;

	(void)state;
	assert_int_equal(suppress_parse(" leak open,socket:function=f:module=m:module=n"
					":function=g:target=\"/a:b\"  ",
					&s, &e),
			 0);
	assert_int_equal(s.what, SUPPRESS_leak);
	assert_int_equal(s.frame_count, 2);
	assert_string_equal(s.frames[0].function, "f");
	assert_string_equal(s.frames[0].module, "m");
	assert_string_equal(s.frames[1].function, "g");
	assert_string_equal(s.frames[1].module, "n");
	assert_string_equal(s.target, "/a:b");
	assert_int_equal(suppress_parse("", &s, &e), 1);
	assert_int_equal(suppress_parse("  # leak open", &s, &e), 1);
}

static void a_mistake_has_its_column_and_a_cure(void **state)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *words;
	} bad[] = {
		{"lek open:function=f", 1, "did you mean \"leak\"?"},
		{"leak", 5, "expected a call"},
		{"leak opne:function=f", 6, "did you mean \"open\"?"},
		{"leak open", 1, "add function=, module= or target="},
		{"misuse all", 1, "too much"},
		{"leak open:", 11, "unknown key"},
		{"leak open:fnction=f", 11, "did you mean \"function\"?"},
		{"leak open:function", 11, "key=pattern"},
		{"leak open:function=", 20, "expected a pattern"},
		{"leak open:target=a:target=b", 20, "one target is enough"},
		{"leak open:target=\"a", 18, "not closed"},
		{"leak open:target=\"a\"b", 21, "expected ':'"},
		{"leak open:module=1:module=2:module=3:module=4:module=5:module=6:module=7:module=8"
		 ":module=9",
		 83, "more than 8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct suppression s;
		struct rules_error e;

		assert_true(suppress_parse(bad[i].line, &s, &e) < 0);
		if (e.column != bad[i].column || !strstr(e.message, bad[i].words))
			print_error("%s: %u: %s\n", bad[i].line, e.column, e.message);
		assert_int_equal(e.column, bad[i].column);
		assert_non_null(strstr(e.message, bad[i].words));
	}
}

/* ---- matching: one place, opened by libb.so which was called by /opt/a
 * ---------------------------
 */

static bool matches(const char *line, const char *first, const char *second)
{
	char *targets[2] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second};
	struct model_module modules[2] = {{.path = (char *)(uintptr_t) "/lib/libb.so.1"},
					  {.path = (char *)(uintptr_t) "/opt/a"}};
	struct model_frame frames[2] = {{.module = 0, .offset = 1}, {.module = 1, .offset = 2}};
	struct model_stack stack = {.depth = 2};
	struct model_fds f = {.call = CALL_open,
			      .verdict.kind = VERDICT_leak,
			      .targets = {targets[0], targets[1]},
			      .target_count = (first ? 1u : 0) + (second ? 1u : 0)};
	struct model m = {.modules = modules,
			  .modules_count = 2,
			  .frames = frames,
			  .frames_count = 2,
			  .stacks = &stack,
			  .stacks_count = 1,
			  .fds = &f,
			  .fds_count = 1};
	struct suppressions all = {0};
	struct symbols *s = symbols_open(&m, false, false);
	struct suppression one;
	struct rules_error e;

	assert_int_equal(suppress_parse(line, &one, &e), 0);
	one.place = util_copy("here");
	*UTIL_PUSH(all.list, all.count, all.room) = one;
	suppress_apply(&all, &m, s);
	symbols_close(s);
	suppress_free(&all);
	return f.suppressed != NULL;
}

static void modules_match_by_name_or_whole_path(void **state)
{
	(void)state;
	assert_false(matches("leak creat,mkstemp", "/x", NULL)); /* but it was open() */
	assert_true(matches("leak open:module=libb.so*", "/x", NULL));
	assert_true(matches("leak open:module=/lib/libb.so*", "/x", NULL));
	assert_true(matches("leak all:module=a:module=libb.so.1", "/x", NULL));
	assert_false(matches("leak open:module=/lib/a", "/x", NULL));
	assert_false(matches("leak open:module=libc.so*", "/x", NULL));
	assert_false(matches("leak socket:module=a", "/x", NULL));
	assert_false(matches("child open:module=a", "/x", NULL));
	assert_false(matches("leak open:function=main", "/x", NULL)); /* no symbols */
}

static void every_target_must_match(void **state)
{
	(void)state;
	assert_true(matches("leak open:target=/var/*", "/var/a", "/var/b/c"));
	assert_false(matches("leak open:target=/var/*", "/var/a", "/etc/b"));
	assert_false(matches("leak open:target=*", NULL, NULL));
	assert_true(matches("leak open:target=10.0.0.1\\:80", "10.0.0.1:80", NULL));
	assert_true(matches("leak open:target=/a\\\\*b", "/a*b", NULL));
	assert_false(matches("leak open:target=/a\\\\*b", "/axb", NULL));
}

/* Whatever a target is named, what is written for it matches it again. */
static void what_is_written_is_read_as_it_was(void **state)
{
	static const char *const names[] = {"/plain", "10.0.0.1:80",  "/a*b",
					    "/a?[b]", "/back\\slash", "\"quoted\""};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct model_fds f = {.call = CALL_open,
				      .stack = MODEL_NONE,
				      .verdict.kind = VERDICT_leak,
				      .targets = {(char *)(uintptr_t)names[i]},
				      .target_count = 1};
		struct model m = {.fds = &f, .fds_count = 1};
		struct symbols *s = symbols_open(&m, false, false);
		char *text = NULL, *line;
		size_t size;
		FILE *to = open_memstream(&text, &size);

		suppress_write(to, &m, s, VERDICT_growing);
		fclose(to);
		symbols_close(s);
		line = strchr(text, '\n') + 1; /* below the comment */
		line[strcspn(line, "\n")] = '\0';
		assert_true(matches(line, names[i], NULL));
		assert_false(matches(line, "/axb", NULL));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_a_function_and_a_module_side_by_side),
		cmocka_unit_test(a_mistake_has_its_column_and_a_cure),
		cmocka_unit_test(modules_match_by_name_or_whole_path),
		cmocka_unit_test(every_target_must_match),
		cmocka_unit_test(what_is_written_is_read_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
