/* SPDX-License-Identifier: MIT */
/*
 * busy.c - opens, closes and fails with EAGAIN as fast as it can; after each step it counts it in
 * the mapped file argv[1] (opens, closes, EAGAINs), so that a test that kills it knows what was
 * complete.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open(argc > 1 ? argv[1] : "", O_RDWR), fds[2];
	volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char c;

	if (fd < 0 || done == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 3;
	puts("ready");
	fflush(stdout);
	for (;;) {
		int x = open("/dev/null", O_RDONLY);

		done[0]++;
		if (recv(fds[0], &c, 1, MSG_DONTWAIT) < 0)
			done[1]++;
		close(x);
		done[2]++;
	}
}
