/* SPDX-License-Identifier: MIT */
/*
 * rows.c - calls every function of calls.def with arguments that do no harm and prints result and
 * errno, so that its output with and without the shim can be compared. A new row is called with
 * (-1, 0, 0, ...) unless it has arguments of its own below.
 *
 * rows          "name result errno" of each
 * rows from     "name object" of each: which loaded object answers to it
 */
#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <mntent.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <syslog.h>
#include <utmp.h>
#include <sys/wait.h>
#include "target.h"

typedef long (*any_call)(long, long, long, long, long, long);

static char *const argv_nothing[] = { "nothing", NULL };
static const struct timespec no_time;
static char no_template[] = "/nonexistent/XXXXXX";
static struct aiocb no_request = { .aio_reqprio = -1 };
static sem_t zero;
static sigset_t none;
static timer_t timer;

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
	{ "execveat", { -1, (long)"/nonexistent", (long)argv_nothing, (long)argv_nothing } },
	{ "fopen", { (long)"/nonexistent", (long)"r" } },
	{ "fopen64", { (long)"/nonexistent", (long)"r" } },
	{ "fdopen", { -1, (long)"r" } },
	{ "setmntent", { (long)"/nonexistent", (long)"r" } },
	{ "opendir", { (long)"/nonexistent" } },
	{ "scandir", { (long)"/nonexistent" } },
	{ "scandir64", { (long)"/nonexistent" } },
	{ "scandirat", { -1, (long)"nonexistent" } },
	{ "scandirat64", { -1, (long)"nonexistent" } },
	{ "closedir", { 0 } },
	{ "mkstemp", { (long)no_template } },
	{ "mkstemp64", { (long)no_template } },
	{ "mkostemp", { (long)no_template } },
	{ "mkostemp64", { (long)no_template } },
	{ "mkstemps", { (long)no_template } },
	{ "mkstemps64", { (long)no_template } },
	{ "mkostemps", { (long)no_template } },
	{ "mkostemps64", { (long)no_template } },
	{ "shm_open", { (long)"/", O_RDONLY } },
	{ "mq_open", { (long)"", O_RDONLY } },
	{ "__mq_open_2", { (long)"", O_RDONLY } },
	{ "posix_openpt", { O_RDWR | O_NOCTTY } },
	{ "sem_trywait", { (long)&zero } },
	{ "sigtimedwait", { (long)&none, 0, (long)&no_time } },
	{ "timer_create", { 12345, 0, (long)&timer } },
	{ "aio_read", { (long)&no_request } },
	{ "aio_read64", { (long)&no_request } },
	{ "aio_write", { (long)&no_request } },
	{ "aio_write64", { (long)&no_request } },
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

static int thread_done;

static void *a_thread(void *arg)
{
	thread_done = 8;
	return arg;
}

static void call_pthread_create(const char *name)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, a_thread, NULL);

	pthread_join(t, NULL);
	print(name, r + thread_done, 0);
}

static int a_child(void *arg)
{
	(void)arg;
	_exit(9);
}

static void call_clone(const char *name)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fflush(stdout);
	print(name, status_of(clone(a_child, stack + 65536, SIGCHLD, NULL)), 0);
	print(name,
	      status_of(clone(a_child, stack + 65536, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL)), 0);
	munmap(stack, 65536);
}

static void call_forkpty(const char *name)
{
	int master = -1;
	pid_t pid;

	fflush(stdout);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid)
		_exit(isatty(0) && isatty(1) && isatty(2) ? 10 : 11);
	print(name, status_of(pid), master > 2);
	close(master);
}

static void call_openpty(const char *name)
{
	int master = -1, slave = -1, r = openpty(&master, &slave, NULL, NULL, NULL);

	print(name, r, slave - master);
	close(master);
	close(slave);
}

static FILE *stream(const char *name)
{
	if (!strncmp(name, "tmpfile", 7))
		return tmpfile();
	if (!strcmp(name, "endmntent"))
		return setmntent("/dev/null", "r");
	return fopen("/dev/null", "r");
}

static void call_stream(const char *name)
{
	FILE *f = stream(name), *g = f;
	int number = fileno(f), r;

	if (!strncmp(name, "freopen", 7))
		g = freopen("/dev/zero", "r", f);
	errno = 0;
	r = strcmp(name, "endmntent") ? fclose(g) : endmntent(g);
	print(name, r + 100 * (f == g) + number, errno);
}

static void call_popen(const char *name)
{
	FILE *f = popen("exit 3", "r");

	print(name, pclose(f), 0);
}

static void call_log(const char *name)
{
	openlog("rows", LOG_NDELAY, LOG_USER);
	syslog(LOG_DEBUG, "a test of %s", name);
	closelog();
	print(name, 0, 0);
}

static const struct {
	const char *name;
	void (*call)(const char *name);
} by_hand[] = {
	{ "pthread_create", call_pthread_create },
	{ "clone", call_clone },
	{ "forkpty", call_forkpty },
	{ "openpty", call_openpty },
	{ "freopen", call_stream },
	{ "freopen64", call_stream },
	{ "tmpfile", call_stream },
	{ "tmpfile64", call_stream },
	{ "fclose", call_stream },
	{ "endmntent", call_stream },
	{ "popen", call_popen },
	{ "pclose", call_popen },
	{ "openlog", call_log },
	{ "syslog", call_log },
	{ "vsyslog", call_log },
	{ "__syslog_chk", call_log },
	{ "__vsyslog_chk", call_log },
	{ "closelog", call_log },
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
	const char *plain = strncmp(name, "__", 2) || strstr(name, "log") ? name : name + 2;

	for (size_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
		if (!strcmp(by_hand[i].name, plain)) {
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
#define CALL(name, class) #name,
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
