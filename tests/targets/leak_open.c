/* SPDX-License-Identifier: MIT */
/*
 * leak_open.c - opens a file for each of N messages and forgets to close it. Every second message is
 * handled right.
 *
 * leak_open [N] [PATH]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "target.h"

static NOINLINE void forget_message(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, &byte, 1) < 0)
		target_die("open");
}

static NOINLINE void handle_message(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, &byte, 1) < 0)
		target_die("open");
	close(fd);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20;
	const char *path = argc > 2 ? argv[2] : "/etc/passwd";

	for (int i = 0; i < n; i++) {
		forget_message(path);
		handle_message(path);
	}
	return target_ready();
}
