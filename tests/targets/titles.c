/* SPDX-License-Identifier: MIT */
/*
 * titles.c - writes its title over its arguments and environment, as Dovecot and nginx do, then
 * forks a child that forgets files and execs itself with the environment that is left.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include "target.h"

extern char **environ;

static void overwrite_title(char **argv)
{
	char *end = argv[0];

	for (char **p = argv; *p; p++)
		end = *p + strlen(*p) + 1;
	for (char **p = environ; *p == end; p++)
		end = *p + strlen(*p) + 1;
	memset(argv[0], 'x', (size_t)(end - argv[0] - 1));
	memcpy(argv[0], "titles: worker", sizeof("titles: worker"));
}

static NOINLINE void forget_with_title(void)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		target_die("open");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 0; i < 7; i++)
			forget_with_title();
		return 0;
	}
	overwrite_title(argv);
	if (!fork()) {
		char *const again[] = { "titles", "again", NULL };

		forget_with_title();
		execv("/proc/self/exe", again);
		_exit(93);
	}
	wait(NULL);
	return target_ready();
}
