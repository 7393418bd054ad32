/* SPDX-License-Identifier: MIT */
/*
 * ruled_rows.c LIST - each line of LIST is a call, an errno and its number: a rule injects it once,
 * the call is made, must fail so and be recorded so; the same call before the rule and after it is
 * none of this test's. Prints what was wrong, then "<n> lines". The arguments need only be such
 * that a call that is not made does not look at them; calls that end something get something to
 * end.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include "fdwhy.h"
#include "target.h"

typedef long (*any_call)(long, long, long, long, long, long);

static char *const words[] = {"nothing", NULL};

/* Where a wrapper reads an argument even when the call is not made. */
static const struct {
	const char *name;
	long args[6];
} own[] = {
	{"execve", {(long)"/nonexistent", (long)words, (long)words}},
	{"execv", {(long)"/nonexistent", (long)words}},
	{"execvp", {(long)"/nonexistent", (long)words}},
	{"execvpe", {(long)"/nonexistent", (long)words, (long)words}},
	{"execl", {(long)"/nonexistent", (long)"nothing"}},
	{"execlp", {(long)"/nonexistent", (long)"nothing"}},
	{"execle", {(long)"/nonexistent", (long)"nothing", 0, (long)words}},
	{"execveat", {-1, (long)"/nonexistent", (long)words, (long)words}},
	{"posix_spawn", {0, (long)"/nonexistent", 0, 0, (long)words, (long)words}},
	{"posix_spawnp", {0, (long)"/nonexistent", 0, 0, (long)words, (long)words}},
};

/* ---- calls that end something: it is gone, whatever the error says; but not with EBADF ---- */

static int fd_of_stream(void)
{
	return memfd_create("ended", 0);
}

static long new_fd(int *ret_fd)
{
	return *ret_fd = fd_of_stream();
}

static long new_stream(int *ret_fd)
{
	*ret_fd = fd_of_stream();
	return (long)fdopen(*ret_fd, "r");
}

static long new_dir(int *ret_fd)
{
	DIR *d = opendir("/");

	*ret_fd = d ? dirfd(d) : -1;
	return (long)d;
}

static long new_pipe(int *ret_fd)
{
	FILE *f = popen("true", "r");

	*ret_fd = f ? fileno(f) : -1;
	return (long)f;
}

static const struct ender {
	const char *name;
	long (*make)(int *ret_fd);
} enders[] = {
	{"close", new_fd},     {"mq_close", new_fd}, {"fclose", new_stream},
	{"closedir", new_dir}, {"pclose", new_pipe}, {"freopen", new_stream},
};

/* ---- how failures look ---- */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static const char *const give_null[] = {"fopen",   "freopen",   "fdopen", "tmpfile", "setmntent",
					"opendir", "fdopendir", "popen",  NULL};
static const char *const give_error[] = {"posix_spawn", "posix_spawnp", "pthread_create", NULL};

static void expect(const char *name, const char *error, int number, long result, int got)
{
	bool right = (int)result == -1;

	if (is_one_of(name, give_null))
		right = !result;
	if (is_one_of(name, give_error)) {
		right = (int)result == number;
		got = number;
	}
	if (!right || got != number)
		printf("%s with %s: result %ld, errno %d\n", name, error, result, got);
}

static long make_call(const char *name, long first, int *ret_errno)
{
	any_call f = (any_call)dlsym(RTLD_DEFAULT, name);
	long a[6] = {first};
	long r;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(own[i].name, name))
			memcpy(a, own[i].args, sizeof(a));
	if (!strcmp(name, "freopen")) {
		a[0] = (long)"/dev/null";
		a[1] = (long)"r";
		a[2] = first;
	}
	errno = 0;
	r = f(a[0], a[1], a[2], a[3], a[4], a[5]);
	*ret_errno = errno;
	return r;
}

static void check_ended(const char *name, const char *error, int number, int fd)
{
	bool open = fcntl(fd, F_GETFD) >= 0;

	/* freopen(3) closes even when nothing was open */
	if (open != (number == EBADF && strcmp(name, "freopen")))
		printf("%s with %s: the fd is %s\n", name, error, open ? "open" : "closed");
	if (open)
		close(fd);
}

static void one(const char *name, const char *error, int number)
{
	const struct ender *e = NULL;
	char rule[128];
	int fd = -1, got;
	long first = -1, r, before = fdwhy_count(name, number);
	unsigned id;

	for (size_t i = 0; i < sizeof(enders) / sizeof(enders[0]); i++)
		if (!strcmp(enders[i].name, name))
			e = &enders[i];
	if (e)
		first = e->make(&fd);
	snprintf(rule, sizeof(rule), "%s:error=%s:when=1", name, error);
	if (fdwhy_rule_add(rule, &id)) {
		printf("%s: %s\n", rule, fdwhy_rule_error());
		return;
	}
	r = make_call(name, first, &got);
	expect(name, error, number, r, got);
	if (fdwhy_rule_hits(id) != 1)
		printf("%s: acted %ld times\n", rule, fdwhy_rule_hits(id));
	if (fdwhy_count(name, number) != before + 1)
		printf("%s: recorded %ld times\n", rule, fdwhy_count(name, number) - before);
	fdwhy_rule_remove(id);
	if (e)
		check_ended(name, error, number, fd);
}

int main(int argc, char **argv)
{
	FILE *list = argc > 1 ? fopen(argv[1], "re") : NULL;
	char name[64], error[32];
	int number, lines = 0;

	if (!list || !fdwhy_active())
		target_die("ruled_rows");
	while (fscanf(list, "%63s %31s %d", name, error, &number) == 3) {
		one(name, error, number);
		lines++;
	}
	fclose(list);
	printf("%d lines\n", lines);
	return 0;
}
