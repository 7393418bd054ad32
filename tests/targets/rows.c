/* SPDX-License-Identifier: MIT */
/*
 * rows.c - calls every function of calls.def with arguments that do no harm and prints result and
 * errno, so that its output with and without the shim can be compared. A new row is called with
 * (-1, 0, 0, ...) unless it has arguments of its own below.
 *
 * rows          "name result errno" of each
 * rows from     "name object" of each: which loaded object answers to it
 */
#include <dlfcn.h>
#include <sys/wait.h>
#include "target.h"

typedef long (*any_call)(long, long, long, long, long, long);

static char *const argv_nothing[] = { "nothing", NULL };
static const struct timespec no_time;

/* Where (-1, 0, 0, ...) would wait for ever or be no valid call at all. */
static const struct {
	const char *name;
	long args[6];
} own[] = {
	{ "ppoll", { -1, 0, (long)&no_time } },
	{ "__ppoll_chk", { -1, 0, (long)&no_time } },
	{ "execve", { (long)"/nonexistent", (long)argv_nothing, (long)argv_nothing } },
	{ "execv", { (long)"/nonexistent", (long)argv_nothing } },
	{ "execvp", { (long)"/nonexistent", (long)argv_nothing } },
	{ "execvpe", { (long)"/nonexistent", (long)argv_nothing, (long)argv_nothing } },
	{ "execl", { (long)"/nonexistent", (long)"nothing" } },
	{ "execlp", { (long)"/nonexistent", (long)"nothing" } },
	{ "execle", { (long)"/nonexistent", (long)"nothing", 0, (long)argv_nothing } },
	{ "fexecve", { -1, (long)argv_nothing, (long)argv_nothing } },
	{ "posix_spawn", { (long)&(pid_t){ 0 }, (long)"/nonexistent", 0, 0, (long)argv_nothing,
			   (long)argv_nothing } },
	{ "posix_spawnp", { (long)&(pid_t){ 0 }, (long)"/nonexistent", 0, 0, (long)argv_nothing,
			    (long)argv_nothing } },
};

static void print(const char *name, long result, int error)
{
	printf("%s %d %d\n", name, (int)result, error);
	fflush(stdout);
}

static int status_of(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void call_fork(const char *name)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(5);
	print(name, status_of(pid), 0);
}

static void call_vfork(const char *name)
{
	pid_t pid;

	fflush(stdout);
	pid = vfork();
	if (!pid)
		_exit(6);
	print(name, status_of(pid), 0);
}

static void call_exit(const char *name)
{
	void *f = dlsym(RTLD_DEFAULT, name);
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		((void (*)(int))f)(7);
	print(name, status_of(pid), 0);
}

static void call_dlclose(const char *name)
{
	print(name, dlclose(dlopen(NULL, RTLD_NOW)), 0);
}

static void call_closefrom(const char *name)
{
	errno = 0;
	closefrom(1000);
	print(name, 0, errno);
}

static const struct {
	const char *name;
	void (*call)(const char *name);
} by_hand[] = {
	{ "fork", call_fork },	{ "vfork", call_vfork },	 { "_exit", call_exit },
	{ "_Exit", call_exit }, { "dlclose", call_dlclose },
	{ "closefrom", call_closefrom },
};

static void call_generic(const char *name)
{
	static const long usual[6] = { -1 };
	any_call f = (any_call)dlsym(RTLD_DEFAULT, name);
	const long *a = usual;
	long r;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(own[i].name, name))
			a = own[i].args;
	if (!f) {
		printf("%s absent\n", name);
		return;
	}
	errno = 0;
	r = f(a[0], a[1], a[2], a[3], a[4], a[5]);
	print(name, r, errno);
	if ((int)r > 2)
		close((int)r);
}

static void call(const char *name)
{
	for (size_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
		if (!strcmp(by_hand[i].name, name)) {
			by_hand[i].call(name);
			return;
		}
	call_generic(name);
}

static void tell_object(const char *name)
{
	void *f = dlsym(RTLD_DEFAULT, name);
	const char *slash;
	Dl_info info;

	if (!f || !dladdr(f, &info))
		return;
	slash = strrchr(info.dli_fname, '/');
	printf("%s %s\n", name, slash ? slash + 1 : info.dli_fname);
}

static const char *const rows[] = {
#define CALL_IO(name, ...) #name,
#define CALL_FD(name, ...) #name,
#define CALL_WAIT(name, ...) #name,
#define SPECIAL(name, ...) #name,
#define ALIAS(alias, name) #alias,
#define SPECIAL_ALIAS(alias, name) #alias,
#include "calls.def"
};

int main(int argc, char **argv)
{
	(void)argv;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (argc > 1)
			tell_object(rows[i]);
		else
			call(rows[i]);
	}
	return 0;
}
