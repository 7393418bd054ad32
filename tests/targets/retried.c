/* SPDX-License-Identifier: MIT */
/*
 * retried.c - calls that fail with EAGAIN until, some time later, what is in their way goes.
 *
 * retried WAY MS      the obstacle goes after MS milliseconds (0: never); prints "ok" or the errno,
 *                     and what the shim cannot hide: "cpu N" milliseconds of processor time
 * retried WAY signal  a signal whose handler does nothing comes meanwhile
 * retried WAY cancel  the call is made in a thread that is then cancelled: "cancelled"
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include "retried.h"

/* ---- streams, pipes -----------------------------------------------------------------------------
 */

static void stream_scene(struct scene *s)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
		target_die("socketpair");
	s->fd = p[0];
	s->other = p[1];
	nonblock(s->fd);
	fill(s->fd);
}

static void empty_scene(struct scene *s)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
		target_die("socketpair");
	s->fd = p[0];
	s->other = p[1];
	nonblock(s->fd);
}

static void dontwait_scene(struct scene *s)
{
	stream_scene(s);
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) & ~O_NONBLOCK);
}

/* A blocking socket whose own timeout runs out. */
static void timeout_scene(struct scene *s)
{
	const struct timeval t = {.tv_usec = 1000};

	stream_scene(s);
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* A thread that waits in epoll_wait is an event loop. */
static void loop_scene(struct scene *s)
{
	struct epoll_event e;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	empty_scene(s);
	epoll_wait(ep, &e, 1, 0);
	close(ep);
}

static void pipe_scene(struct scene *s)
{
	int p[2];

	if (pipe2(p, O_NONBLOCK))
		target_die("pipe2");
	s->fd = p[1];
	s->other = p[0];
	fill(s->fd);
}

static void fifo_scene(struct scene *s)
{
	snprintf(s->path, sizeof(s->path), "retried.fifo");
	if (mkfifo(s->path, 0600))
		target_die("mkfifo");
	s->other = open(s->path, O_RDONLY | O_NONBLOCK);
	s->fd = open(s->path, O_WRONLY | O_NONBLOCK);
	unlink(s->path);
	fill(s->fd);
}

static void eventfd_scene(struct scene *s)
{
	s->fd = s->other = eventfd(0, EFD_NONBLOCK);
}

static long by_send(struct scene *s)
{
	return kept(send(s->fd, big, 4096, MSG_NOSIGNAL));
}

static long by_dontwait(struct scene *s)
{
	return kept(send(s->fd, big, 4096, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static long by_send_all(struct scene *s)
{
	long r = send(s->fd, big, sizeof(big), MSG_NOSIGNAL);

	printf("sent %ld\n", r);
	return r;
}

static long by_write(struct scene *s)
{
	return kept(write(s->fd, big, 4096));
}

static long by_recv(struct scene *s)
{
	return kept(recv(s->fd, big, 16, 0));
}

static long by_read(struct scene *s)
{
	return kept(read(s->fd, big, 8));
}

static void go_drain(struct scene *s)
{
	drain(s->other);
}

/* Keeps reading: a whole send is larger than the buffers. */
static void go_read_on(struct scene *s)
{
	while (read(s->other, big, 65536) > 0)
		;
}

static void go_write(struct scene *s)
{
	const uint64_t one = 1;

	if (write(s->other, &one, 8) != 8)
		target_die("write");
}

/* ---- datagrams ----------------------------------------------------------------------------------
 */

static void dgram_scene(struct scene *s)
{
	s->to.sun_family = AF_UNIX;
	s->other = socket(AF_UNIX, SOCK_DGRAM, 0);
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	snprintf(s->to.sun_path + 1, 40, "fdwhy-retried-%d", (int)getpid());
	if (bind(s->other, (struct sockaddr *)&s->to, sizeof(s->to)))
		target_die("bind");
	while (sendto(s->fd, big, 8, 0, (struct sockaddr *)&s->to, sizeof(s->to)) > 0)
		;
}

static void connected_dgram_scene(struct scene *s)
{
	dgram_scene(s);
	if (connect(s->fd, (struct sockaddr *)&s->to, sizeof(s->to)))
		target_die("connect");
}

static long by_sendto(struct scene *s)
{
	return kept(sendto(s->fd, big, 8, 0, (struct sockaddr *)&s->to, sizeof(s->to)));
}

/* ---- listeners ----------------------------------------------------------------------------------
 */

static void listener_scene(struct scene *s)
{
	s->to.sun_family = AF_UNIX;
	snprintf(s->to.sun_path + 1, 40, "fdwhy-retried-%d", (int)getpid());
	s->other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(s->other, (struct sockaddr *)&s->to, sizeof(s->to)) || listen(s->other, 0))
		target_die("listen");
}

static void backlog_scene(struct scene *s)
{
	listener_scene(s);
	do
		s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (!connect(s->fd, (struct sockaddr *)&s->to, sizeof(s->to)));
}

static long by_connect(struct scene *s)
{
	return kept(connect(s->fd, (struct sockaddr *)&s->to, sizeof(s->to)));
}

static void tcp_scene(struct scene *s)
{
	struct sockaddr_in *a = (void *)&s->to;
	socklen_t n = sizeof(*a);

	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	s->other = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->other, (struct sockaddr *)a, n) || listen(s->other, 1) ||
	    getsockname(s->other, (struct sockaddr *)a, &n))
		target_die("tcp");
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static void tcp_full_scene(struct scene *s)
{
	int listener;

	tcp_scene(s);
	listener = s->other;
	fcntl(s->fd, F_SETFL, 0);
	if (connect(s->fd, (struct sockaddr *)&s->to, sizeof(struct sockaddr_in)))
		target_die("connect");
	s->other = accept(listener, NULL, NULL);
	nonblock(s->fd);
	/* The kernel moves what was sent to the other side's buffer, and there is room again. */
	for (int full = 0; full < 4; full++) {
		if (write(s->fd, big, 4096) > 0)
			full = -1;
		else
			poll(NULL, 0, 50);
	}
}

static long by_tcp_connect(struct scene *s)
{
	return kept(connect(s->fd, (struct sockaddr *)&s->to, sizeof(struct sockaddr_in)));
}

static void go_accept(struct scene *s)
{
	accept(s->other, NULL, NULL);
}

static long by_accept(struct scene *s)
{
	return kept(accept(s->other, NULL, NULL));
}

static void go_connect(struct scene *s)
{
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&s->to, sizeof(s->to));
}

/* ---- the ways -----------------------------------------------------------------------------------
 */

static const struct way {
	const char *name;
	void (*scene)(struct scene *);
	long (*call)(struct scene *);
	void (*go)(struct scene *);
} ways[] = {
	{"send", stream_scene, by_send, go_drain},
	{"tcp", tcp_full_scene, by_send, go_read_on},
	{"dontwait", dontwait_scene, by_dontwait, go_drain},
	{"send_all", empty_scene, by_send_all, go_read_on},
	{"send_timeout", timeout_scene, by_send, go_drain},
	{"recv", empty_scene, by_recv, go_write},
	{"loop", loop_scene, by_recv, go_write},
	{"pipe", pipe_scene, by_write, go_drain},
	{"fifo", fifo_scene, by_write, go_drain},
	{"eventfd", eventfd_scene, by_read, go_write},
	{"dgram", dgram_scene, by_sendto, go_drain},
	{"connected_dgram", connected_dgram_scene, by_send, go_drain},
	{"connect", backlog_scene, by_connect, go_accept},
	{"tcp_connect", tcp_scene, by_tcp_connect, go_accept},
	{"accept", listener_scene, by_accept, go_connect},
	{"flock", flock_scene, by_flock, go_close},
	{"ofd", ofd_scene, by_ofd, go_close},
	{"fcntl", process_lock_scene, by_fcntl, go_close},
	{"lockf", process_lock_scene, by_lockf, go_close},
	{"lease", lease_scene, by_open, go_close},
};

static struct scene scene;
static const struct way *way;
static long after_ms;

static void *goes(void *arg)
{
	const struct timespec t = {after_ms / 1000, after_ms % 1000 * 1000000};

	(void)arg;
	nanosleep(&t, NULL);
	way->go(&scene);
	return NULL;
}

static void *calls(void *arg)
{
	(void)arg;
	way->call(&scene);
	return NULL;
}

static int cancelled(void)
{
	const struct timespec t = {0, 30000000};
	pthread_t caller;
	void *result;

	pthread_create(&caller, NULL, calls, NULL);
	nanosleep(&t, NULL);
	pthread_cancel(caller);
	pthread_join(caller, &result);
	printf("%s\n", result == PTHREAD_CANCELED ? "cancelled" : "returned");
	return 0;
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void alarm_soon(void)
{
	const struct itimerval t = {.it_value.tv_usec = 30000, .it_interval.tv_usec = 30000};
	struct sigaction action = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static long cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static int one_call(void)
{
	pthread_t other;
	long before, r;

	if (after_ms)
		pthread_create(&other, NULL, goes, NULL);
	before = cpu_ms();
	r = way->call(&scene);
	printf("%s\n", r >= 0 ? "ok" : strerrorname_np(errno));
	printf("cpu %ld\n", cpu_ms() - before);
	return 0;
}

int main(int argc, char **argv)
{
	const char *when = argc > 2 ? argv[2] : "0";

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (argc > 1 && !strcmp(argv[1], ways[i].name))
			way = &ways[i];
	if (!way)
		return 2;
	way->scene(&scene);
	if (!strcmp(when, "cancel"))
		return cancelled();
	if (!strcmp(when, "signal"))
		alarm_soon();
	else
		after_ms = atoi(when);
	return one_call();
}
