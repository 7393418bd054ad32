/* SPDX-License-Identifier: MIT */
/*
 * misuse.c - what is wrong with closing, and what looks like it: misuse WAY [PLUGIN]. Ways: see the
 * table at the end.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "target.h"

static const char *plugin_path;

static void need(int ok, const char *what)
{
	if (!ok)
		target_die(what);
}

static NOINLINE int open_it(void)
{
	int fd = open("/dev/null", O_RDONLY);

	KEEP_FRAME();
	return fd;
}

static NOINLINE void close_it(int fd)
{
	close(fd);
	KEEP_FRAME();
}

static NOINLINE void use_it(int fd)
{
	char c;

	need(read(fd, &c, 1) == -1 && errno == EBADF, "read");
	KEEP_FRAME();
}

static void *from_plugin(const char *name)
{
	void *plugin = dlopen(plugin_path, RTLD_NOW), *f = plugin ? dlsym(plugin, name) : NULL;

	need(f != NULL, plugin_path);
	return f;
}

/* ---- wrong ------------------------------------------------------------------------------------
 */

static void foreign(void)
{
	void (*plugin_close)(int) = (void (*)(int))from_plugin("plugin_close");
	int fd = open_it();

	plugin_close(fd);
	use_it(fd);
	close_it(fd);
}

static void plugins_own(void)
{
	void (*plugin_close)(int) = (void (*)(int))from_plugin("plugin_close");
	int (*plugin_open)(void) = (int (*)(void))from_plugin("plugin_open_own");
	int fd = plugin_open();

	plugin_close(fd);
	close_it(fd);
}

static NOINLINE void close_standard(void)
{
	close(2);
	KEEP_FRAME();
}

static NOINLINE void open_stray(void)
{
	need(socket(AF_UNIX, SOCK_STREAM, 0) == 2, "socket");
	KEEP_FRAME();
}

static void standard(void)
{
	close_standard();
	open_stray();
}

/* As proftpd does: its listener and each connection get numbers that it closed at its start. */
static void standard_again(void)
{
	close_standard();
	for (int i = 0; i < 3; i++) {
		open_stray();
		close_it(2);
	}
}

/* ---- where closed numbers are held back (--quarantine) ------------------------------------------
 */

static NOINLINE int open_stranger(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	KEEP_FRAME();
	return fd;
}

/* Reads from a stranger's fd, or gets EBADF. */
static void stranger(void)
{
	int fd = open_it(), other;
	char c = 'x';
	ssize_t r;

	close_it(fd);
	other = open_stranger();
	r = read(fd, &c, 1);
	need(other == fd ? r == 1 : r == -1 && errno == EBADF, "read");
	close_it(other);
}

static void expect_dead(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	need(read(fd, &c, 1) == -1 && errno == EBADF, "read");
	need(write(fd, &c, 1) == -1 && errno == EBADF, "write");
	need(fcntl(fd, F_GETFD) == -1 && errno == EBADF, "fcntl");
	need(dup(fd) == -1 && errno == EBADF, "dup");
	need(dup2(fd, 77) == -1 && errno == EBADF, "dup2");
	need(poll(&p, 1, 0) == 1 && p.revents == POLLNVAL, "poll");
	need(close(fd) == -1 && errno == EBADF, "close");
}

static int count_until_limit(void)
{
	int n = 0;

	while (open_it() >= 0)
		n++;
	need(errno == EMFILE, "open");
	return n;
}

/* What is held back is closed past every preloaded library: open again, it is like any other. */
static void unseen_and_again(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	long (*past)(long, ...) = (long (*)(long, ...))dlsym(libc, "syscall");

	for (volatile int i = 0; i < 3; i++) { /* from one place */
		int fd = open_it();

		need(fcntl(fd, F_GETFD) == 0, "again");
		close_it(fd);
		past(SYS_close, fd);
	}
}

/* As a closed number is to be, also where it is held back; and it goes back when it is needed. */
static void dead(void)
{
	struct rlimit few = {100, 100};
	int fd, free_ones, status;
	pid_t pid;

	closefrom(3); /* whatever came from outside */
	unseen_and_again();
	fd = open_it();
	close_it(fd);
	expect_dead(fd);
	pid = fork();
	if (!pid) {
		expect_dead(fd);
		execl("/proc/self/exe", "misuse", "nothing_above", NULL);
	}
	need(waitpid(pid, &status, 0) == pid && !status, "child");
	need(dup2(1, fd) == fd && fcntl(fd, F_GETFD) == 0 && write(fd, "", 0) == 0, "dup2");
	close_it(fd);
	for (int i = 0; i < 1000; i++)
		close_it(open_it());
	need(!setrlimit(RLIMIT_NOFILE, &few), "setrlimit");
	free_ones = count_until_limit();
	need(close_range(3, 99, 0) == 0, "close_range");
	need(count_until_limit() == 97 && free_ones > 80, "numbers came back");
}

/* What was held back does not go through an exec. */
static void nothing_above(void)
{
	for (int fd = 3; fd < 1000; fd++)
		need(fcntl(fd, F_GETFD) == -1, "inherited");
}

/* ---- right ------------------------------------------------------------------------------------
 */

/* The plugin was given it. */
static void handed_over(void)
{
	void (*plugin_close)(int) = (void (*)(int))from_plugin("plugin_close");

	plugin_close(open_it());
}

static void standard_replaced(void)
{
	int out = dup(1), s;

	close(0);
	need(open_it() == 0, "open");
	close(2);
	need(dup(0) == 2, "dup");
	close(1);
	need(open("/dev/null", O_WRONLY) == 1, "log");
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	close(0);
	need(dup(s) == 0, "dup"); /* as a program of inetd has it */
	need(dup2(out, 1) == 1, "dup2");
}

static void asked(void)
{
	int fd = open_it(), writable = open("/dev/null", O_WRONLY);
	char c;

	close_it(fd);
	need(fcntl(fd, F_GETFD) == -1 && fcntl(fd, F_GETFL) == -1, "fcntl");
	need(read(writable, &c, 1) == -1 && errno == EBADF, "read"); /* open, but not for that */
	need(close(900) == -1 && close(-1) == -1, "close");          /* never was one */
}

static void forks_close_their_own(void)
{
	int fd = open_it(), status;
	pid_t pid;

	close_it(open_it());
	pid = fork();
	if (!pid) {
		close_it(fd);
		close_it(fd + 1); /* closed before the fork: not by this process */
		_exit(0);
	}
	close_it(fd);
	need(waitpid(pid, &status, 0) == pid && !status, "child");
}

static void close_downwards(void)
{
	for (volatile int i = 0; i < 8; i++)
		open_it();
	for (int fd = 500; fd > 2; fd--)
		close(fd);
	for (int fd = 500; fd > 2; fd--)
		close(fd);
}

/* As net-snmp does: the list of what is to be closed is closed with the rest, and then once more.
 */
static void close_what_is_listed(void)
{
	DIR *list;
	struct dirent *e;

	open_it();
	list = opendir("/proc/self/fd");
	need(list != NULL, "opendir");
	while ((e = readdir(list)))
		if (atoi(e->d_name) > 2)
			close_it(atoi(e->d_name));
	closedir(list);
}

static const struct target_way ways[] = {
	{"foreign", foreign},
	{"plugins_own", plugins_own},
	{"standard", standard},
	{"standard_again", standard_again},
	{"stranger", stranger},
	{"dead", dead},
	{"nothing_above", nothing_above},
	{"handed_over", handed_over},
	{"standard_replaced", standard_replaced},
	{"asked", asked},
	{"forks_close_their_own", forks_close_their_own},
	{"close_downwards", close_downwards},
	{"close_what_is_listed", close_what_is_listed},
};

int main(int argc, char **argv)
{
	plugin_path = argc > 2 ? argv[2] : NULL;
	return TARGET_RUN(ways, argv[1]) ? 0 : 2;
}
