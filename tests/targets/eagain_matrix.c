/* SPDX-License-Identifier: MIT */
/*
 * eagain_matrix.c - fills each kind of channel in each mode until EAGAIN; another process has the
 * far end and never reads. Says who that is, waits, and gives the channel up.
 *
 * eagain_matrix stream|seqpacket|connected|unconnected|tcp|pipe|fifo|eventfd
 *	nonblock|dontwait|timeout DIRECTORY
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "receiver"};
static int ready[2];

/* ---- the far end ------------------------------------------------------------------------- */

static NOINLINE _Noreturn void never_read(void)
{
	if (write(ready[1], "x", 1) != 1)
		target_die("write");
	for (;;)
		pause();
}

/* 0 in the child, which has `fd` alone of the two. */
static pid_t start_reader(int fd, int other)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(pid ? fd : other);
	return pid;
}

static void wait_for_reader(void)
{
	char c;

	if (read(ready[0], &c, 1) != 1)
		target_die("reader");
}

/* ---- the channels: each returns the near end --------------------------------------------- */

static int make_pair(int type, pid_t *ret_reader)
{
	int s[2];

	if (type ? socketpair(AF_UNIX, type, 0, s) : pipe(s))
		target_die("pair");
	if (!type) { /* a pipe is written at its other end */
		int read_end = s[0];

		s[0] = s[1];
		s[1] = read_end;
	}
	*ret_reader = start_reader(s[1], s[0]);
	if (!*ret_reader)
		never_read();
	wait_for_reader();
	return s[0];
}

static int make_dgram(int connected, pid_t *ret_reader)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), receiver = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (bind(receiver, (struct sockaddr *)&name, sizeof(name)))
		target_die("bind");
	*ret_reader = start_reader(receiver, fd);
	if (!*ret_reader)
		never_read();
	wait_for_reader();
	if (connected && connect(fd, (struct sockaddr *)&name, sizeof(name)))
		target_die("connect");
	return fd;
}

static int make_tcp(pid_t *ret_reader)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&a, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&a, &len))
		target_die("listen");
	*ret_reader = start_reader(listener, fd);
	if (!*ret_reader) {
		if (accept(listener, NULL, NULL) < 0)
			target_die("accept");
		never_read();
	}
	if (connect(fd, (struct sockaddr *)&a, len))
		target_die("connect");
	wait_for_reader();
	return fd;
}

static int make_fifo(pid_t *ret_reader)
{
	int fd;

	if (mkfifo("fifo", 0600))
		target_die("mkfifo");
	*ret_reader = start_reader(-1, -1);
	if (!*ret_reader) {
		if (open("fifo", O_RDONLY) < 0)
			target_die("open");
		never_read();
	}
	fd = open("fifo", O_WRONLY);
	wait_for_reader();
	return fd;
}

static int make_eventfd(void)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, 0);

	if (write(fd, &most, sizeof(most)) != sizeof(most))
		target_die("eventfd");
	return fd;
}

static int make(const char *kind, pid_t *ret_reader)
{
	if (!strcmp(kind, "tcp"))
		return make_tcp(ret_reader);
	if (!strcmp(kind, "fifo"))
		return make_fifo(ret_reader);
	if (!strcmp(kind, "eventfd"))
		return make_eventfd();
	if (strstr(kind, "connected"))
		return make_dgram(!strcmp(kind, "connected"), ret_reader);
	return make_pair(!strcmp(kind, "stream")      ? SOCK_STREAM
			 : !strcmp(kind, "seqpacket") ? SOCK_SEQPACKET
						      : 0,
			 ret_reader);
}

/* ---- the near end ------------------------------------------------------------------------ */

static void set_mode(int fd, const char *mode)
{
	const struct timeval ms = {.tv_usec = 40000};

	if (!strcmp(mode, "nonblock") && fcntl(fd, F_SETFL, O_NONBLOCK))
		target_die("O_NONBLOCK");
	if (!strcmp(mode, "timeout") && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ms, sizeof(ms)))
		target_die("SO_SNDTIMEO");
}

static NOINLINE void fill(int fd, const char *kind, int flags)
{
	static const char message[1000] = {1};
	int plain = !strcmp(kind, "pipe") || !strcmp(kind, "fifo") || !strcmp(kind, "eventfd");
	int to = !strcmp(kind, "unconnected");
	ssize_t n;

	do
		n = plain ? write(fd, message, *kind == 'e' ? 8 : sizeof(message))
		    : to  ? sendto(fd, message, 10, flags, (void *)&name, sizeof(name))
			  : send(fd, message, sizeof(message), flags | MSG_NOSIGNAL);
	while (n > 0);
	if (errno != EAGAIN)
		target_die("fill");
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	pid_t reader = 0;
	int fd;

	if (argc < 4 || chdir(argv[3]) || pipe(ready))
		return 2;
	fd = make(argv[1], &reader);
	set_mode(fd, argv[2]);
	fill(fd, argv[1], !strcmp(argv[2], "dontwait") ? MSG_DONTWAIT : 0);
	printf("reader %d\n", (int)reader);
	target_ready();
	close(fd);
	if (reader) {
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
	}
	return 0;
}
