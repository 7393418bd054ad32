/* SPDX-License-Identifier: MIT */
/*
 * misuse.c - what is wrong with closing, and what looks like it: misuse WAY [PLUGIN]. Ways: see the
 * table at the end.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
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

static const struct way {
	const char *name;
	void (*run)(void);
} ways[] = {
	{"foreign", foreign},
	{"plugins_own", plugins_own},
	{"standard", standard},
	{"handed_over", handed_over},
	{"standard_replaced", standard_replaced},
	{"asked", asked},
	{"forks_close_their_own", forks_close_their_own},
	{"close_downwards", close_downwards},
};

int main(int argc, char **argv)
{
	plugin_path = argc > 2 ? argv[2] : NULL;
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].run();
			return 0;
		}
	return 2;
}
