/* SPDX-License-Identifier: MIT */
/*
 * short_writes.c - sends more than fits at once, where that is done in part; never fails. Ways of
 * not waiting: O_NONBLOCK (write), MSG_DONTWAIT (send, sendto). short_writes
 */
#include <fcntl.h>
#include <sys/socket.h>
#include "target.h"

static char block[1 << 20];

static void expect_part(ssize_t r)
{
	if (r <= 0 || r == sizeof(block))
		target_die("partial");
}

static NOINLINE void write_in_part(void)
{
	int p[2];

	if (pipe2(p, O_NONBLOCK))
		target_die("pipe2");
	expect_part(write(p[1], block, sizeof(block)));
	KEEP_FRAME();
}

static NOINLINE void send_in_part(int way)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("socketpair");
	expect_part(way ? send(s[0], block, sizeof(block), MSG_DONTWAIT)
			: sendto(s[0], block, sizeof(block), MSG_DONTWAIT, NULL, 0));
	KEEP_FRAME();
}

/* All of it fits. */
static NOINLINE void write_whole(void)
{
	int p[2];

	if (pipe2(p, O_NONBLOCK) || write(p[1], block, 4096) != 4096)
		target_die("whole");
	KEEP_FRAME();
}

int main(void)
{
	for (volatile int i = 0; i < 3; i++) /* one place */
		write_in_part();
	send_in_part(0);
	send_in_part(1);
	write_whole();
	return target_ready();
}
