/* SPDX-License-Identifier: MIT */
/* spawn.c - starts programs by posix_spawn (with file actions), posix_spawnp, system and popen. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include "target.h"

extern char **environ;

static NOINLINE int spawn_with_actions(void)
{
	char *const argv[] = { "sh", "-c", "read word <&7; echo spawned $word", NULL };
	posix_spawn_file_actions_t a;
	int p[2], status = -1;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) || write(p[1], "word\n", 5) != 5)
		target_die("pipe");
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, p[0], 7);
	posix_spawn_file_actions_addclose(&a, p[1]);
	if (posix_spawn(&pid, "/bin/sh", &a, NULL, argv, environ) || waitpid(pid, &status, 0) < 0)
		target_die("posix_spawn");
	posix_spawn_file_actions_destroy(&a);
	close(p[0]);
	close(p[1]);
	return status;
}

static NOINLINE int spawn_by_name(void)
{
	char *const argv[] = { "echo", "by name", NULL }, *const clean[] = { NULL };
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, "echo", NULL, NULL, argv, clean) || waitpid(pid, &status, 0) < 0)
		target_die("posix_spawnp");
	return status;
}

static NOINLINE int read_from_popen(void)
{
	FILE *f = popen("echo piped", "r");
	char line[32] = "";

	if (!f || !fgets(line, sizeof(line), f))
		target_die("popen");
	printf("%s", line);
	return pclose(f);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("%d\n", spawn_with_actions());
	printf("%d\n", spawn_by_name());
	printf("%d\n", system("echo from system; exit 3"));
	printf("%d\n", read_from_popen());
	return target_ready();
}
