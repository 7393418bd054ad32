/* SPDX-License-Identifier: MIT */
/*
 * short_lived.c - N processes, at most eight at a time, each a new image that opens and closes a
 * file; every hundredth forgets one. short_lived [N]
 */
#include <fcntl.h>
#include <sys/wait.h>
#include "target.h"

static NOINLINE void forget_one(void)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		target_die("open");
}

static int be_short_lived(int number)
{
	close(open("/dev/null", O_RDONLY));
	if (number % 100 == 99)
		forget_one();
	return 0;
}

static void start(const char *self, int number)
{
	char text[16];
	pid_t pid = fork();

	if (pid < 0)
		target_die("fork");
	if (pid)
		return;
	snprintf(text, sizeof(text), "%d", number);
	execl("/proc/self/exe", self, "child", text, (char *)NULL);
	_exit(98);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 100, status, bad = 0;

	if (argc > 2)
		return be_short_lived(atoi(argv[2]));
	for (int i = 0; i < n; i++) {
		start(argv[0], i);
		if (i >= 7)
			bad += wait(&status) < 0 || status;
		if (i % 1000 == 999) {
			printf("%d begun\n", i + 1);
			fflush(stdout);
		}
	}
	while (wait(&status) > 0)
		bad += status != 0;
	printf("bad %d\n", bad);
	return bad != 0;
}
