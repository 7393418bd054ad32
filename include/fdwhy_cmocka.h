/* SPDX-License-Identifier: MIT */
/*
 * fdwhy_cmocka.h - for tests with cmocka: a test that leaves an fd open fails and says where the
 * fd was made; failures can be injected and expected. Include <cmocka.h> and what it needs first.
 *
 *	static void a_full_backlog_is_waited_for(void **state)
 *	{
 *		fdwhy_inject("connect:error=EAGAIN:when=1..2");
 *		fdwhy_expect("connect", EAGAIN, 2);
 *		assert_true(dial("/run/app") >= 0);
 *	}
 *	... fdwhy_unit_test(a_full_backlog_is_waited_for),
 *
 * Run it with `fdwhy run -- ./test`. Without fdwhy the tests run as usual, nothing is checked, and
 * those that inject are skipped. Everything is for the thread that runs the tests.
 */
#ifndef FDWHY_CMOCKA_H
#define FDWHY_CMOCKA_H

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fdwhy.h"

#define FDWHY_EXPECTED_MAX 32
#define FDWHY_RULES_MAX 32

/* Of the running test. */
struct fdwhy_test_ {
	unsigned long long mark;
	struct fdwhy_expected_ {
		const char *calls, *file;
		int error, line;
		long before, times;
	} expected[FDWHY_EXPECTED_MAX];
	unsigned expected_count;
	unsigned rules[FDWHY_RULES_MAX];
	unsigned rules_count;
	unsigned problems;
};
/* One, however many source files include this. */
extern struct fdwhy_test_ fdwhy_test_;
__attribute__((weak)) struct fdwhy_test_ fdwhy_test_;

/*
 * cmocka setup: what is open now is not this test's. Returns 0. Call it from your own setup, last;
 * or name it in cmocka_unit_test_setup_teardown(); or use fdwhy_unit_test().
 */
static inline int fdwhy_setup(void **state)
{
	static int told;

	(void)state;
	memset(&fdwhy_test_, 0, sizeof(fdwhy_test_));
	fdwhy_test_.mark = fdwhy_mark();
	if (!fdwhy_active() && !told++)
		print_message("fdwhy: not active: fds are not checked; use fdwhy run\n");
	return 0;
}

/* ---- stacks: names from the symbols of the module's file, static functions too ---- */

/* The name of the function at file address `at`, from one table of symbols. */
static inline void fdwhy_name_of_(const ElfW(Sym) * s, size_t count, const char *names, size_t at,
				  char ret[128])
{
	for (; count; count--, s++)
		if (at >= s->st_value && at - s->st_value < s->st_size)
			snprintf(ret, 128, "%s", names + s->st_name);
}

/* From all tables of a mapped module. */
static inline void fdwhy_name_in_(const char *map, size_t bytes, size_t at, char ret[128])
{
	const ElfW(Ehdr) *head = (const void *)map;
	const ElfW(Shdr) *part = (const void *)(map + head->e_shoff);

	if (head->e_shoff + head->e_shnum * sizeof(*part) > bytes)
		return;
	for (unsigned i = 0; i < head->e_shnum; i++) {
		bool symbols = part[i].sh_type == SHT_SYMTAB || part[i].sh_type == SHT_DYNSYM;

		if (symbols && part[i].sh_offset + part[i].sh_size <= bytes &&
		    part[i].sh_link < head->e_shnum)
			fdwhy_name_of_((const void *)(map + part[i].sh_offset),
				       part[i].sh_size / sizeof(ElfW(Sym)),
				       map + part[part[i].sh_link].sh_offset, at, ret);
	}
}

static inline void fdwhy_name_(const char *module, size_t at, char ret[128])
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map = MAP_FAILED;

	strcpy(ret, "?");
	if (fd >= 0 && !fstat(fd, &st) && (size_t)st.st_size > sizeof(ElfW(Ehdr)))
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return;
	if (!memcmp(map, ELFMAG, SELFMAG))
		fdwhy_name_in_((const char *)map, (size_t)st.st_size, at, ret);
	munmap(map, (size_t)st.st_size);
}

/* Lines "module+0xoffset" of a stack, with names, up to main. */
static inline void fdwhy_print_stack_(const char *stack)
{
	char line[512], name[128];

	while (sscanf(stack, "%511[^\n]", line) == 1) {
		char *plus = strrchr(line, '+');
		const char *file = strrchr(line, '/');

		stack += strcspn(stack, "\n");
		stack += *stack == '\n';
		if (plus)
			*plus = '\0';
		if (plus)
			fdwhy_name_(line, strtoul(plus + 1, NULL, 16), name);
		print_error("fdwhy:   %s  %s%s%s\n", plus ? name : "?", file ? file + 1 : line,
			    plus ? "+" : "", plus ? plus + 1 : "");
		if (plus && !strcmp(name, "main"))
			break;
	}
}

static inline void fdwhy_print_leak_(const struct fdwhy_leak *leak, void *arg)
{
	(void)arg;
	print_error("fdwhy: fd %d leaked: %s%s%s, made by %s at\n", leak->fd, leak->kind,
		    *leak->target ? " " : "", leak->target, leak->call);
	fdwhy_print_stack_(leak->stack);
}

/* ---- of one test ---- */

static inline void fdwhy_check_expected_(void)
{
	for (unsigned i = 0; i < fdwhy_test_.expected_count; i++) {
		const struct fdwhy_expected_ *e = &fdwhy_test_.expected[i];
		long times = fdwhy_count(e->calls, e->error) - e->before;

		if (times == e->times)
			continue;
		print_error("%s:%d: fdwhy: %s failed with error %d (%s) %ld times, expected %ld\n",
			    e->file, e->line, e->calls, e->error, strerror(e->error), times,
			    e->times);
		fdwhy_test_.problems++;
	}
}

/*
 * cmocka teardown: removes the rules of this test and fails it when expectations were not met or
 * fds are open that it made. Call it from your own teardown after everything was closed, and return
 * what it returns: 0, or -1 when something was printed.
 */
static inline int fdwhy_teardown(void **state)
{
	int leaks;

	(void)state;
	for (unsigned i = 0; i < fdwhy_test_.rules_count; i++)
		fdwhy_rule_remove(fdwhy_test_.rules[i]);
	if (!fdwhy_active())
		return 0;
	fdwhy_check_expected_();
	leaks = fdwhy_leaks_since(fdwhy_test_.mark, fdwhy_print_leak_, NULL);
	if (leaks > 0)
		print_error("fdwhy: with lines: fdwhy report --all %s\n", fdwhy_session());
	return leaks > 0 || fdwhy_test_.problems ? -1 : 0;
}

/*
 * Until the end of this test calls are made to fail as `rule` says: "send:error=EPIPE:when=2", or
 * any other rule with its action in front. A wrong rule fails the test. Without fdwhy the test is
 * skipped.
 */
#define fdwhy_inject(rule) fdwhy_inject_(rule, __FILE__, __LINE__)
static inline void fdwhy_inject_(const char *rule, const char *file, int line)
{
	unsigned id = 0;
	int r;

	if (!fdwhy_active()) {
		print_message("fdwhy: not active: %s:%d injects nothing\n", file, line);
		skip();
	}
	r = fdwhy_test_.rules_count == FDWHY_RULES_MAX ? -ENOSPC : fdwhy_rule_add(rule, &id);
	if (r) {
		print_error("%s:%d: fdwhy: %s: %s\n", file, line, rule,
			    *fdwhy_rule_error() ? fdwhy_rule_error() : strerror(-r));
		_fail(file, line);
	}
	fdwhy_test_.rules[fdwhy_test_.rules_count++] = id;
}

/*
 * From here to the end of this test `calls` (a set: "connect", "%send") fail with `error` exactly
 * `times` times; 0: not at all. What is counted says fdwhy_count() in fdwhy.h. Not checked without
 * fdwhy.
 */
#define fdwhy_expect(calls, error, times) fdwhy_expect_(calls, error, times, __FILE__, __LINE__)
static inline void fdwhy_expect_(const char *calls, int error, long times, const char *file,
				 int line)
{
	struct fdwhy_expected_ e = {calls, file, error, line, fdwhy_count(calls, error), times};

	if (!fdwhy_active())
		return;
	if (e.before < 0 || fdwhy_test_.expected_count == FDWHY_EXPECTED_MAX) {
		print_error("%s:%d: fdwhy: %s: %s\n", file, line, calls,
			    e.before < 0 ? "no such call" : "too many expectations");
		_fail(file, line);
	}
	fdwhy_test_.expected[fdwhy_test_.expected_count++] = e;
}

#define fdwhy_unit_test(f) cmocka_unit_test_setup_teardown(f, fdwhy_setup, fdwhy_teardown)

#endif
