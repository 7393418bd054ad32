/* SPDX-License-Identifier: MIT */
/*
 * dup2_low.c - puts fds onto numbers of its choice, and then demands that it knows every open
 * number below 1024, as Dovecot's debug builds do. Says which are open.
 */
#include <fcntl.h>
#include "target.h"

static NOINLINE void move_to(int number)
{
	int fd = open("/etc/passwd", O_RDONLY);

	if (fd < 0 || dup2(fd, number) != number)
		target_die("dup2");
	if (fd != number)
		close(fd);
}

int main(void)
{
	static const int numbers[] = { 3, 4, 5, 10, 63, 64, 65, 100, 255, 256, 1000, 1023 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		move_to(numbers[i]);
	printf("open:");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\n");
	return target_ready();
}
