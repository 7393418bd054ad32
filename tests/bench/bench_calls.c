/* SPDX-License-Identifier: MIT */
/*
 * bench_calls.c - one kind of call, many times: bench_calls OP COUNT prints nanoseconds for one.
 *
 * The same program runs bare, preloaded and traced; it knows nothing of that. All calls are made
 * under DEPTH frames, as in a daemon. Started by the scripts beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEPTH 20
#define NOINLINE __attribute__((noinline))
#define NOT_TAIL() __asm__ volatile("" ::: "memory")

extern char **environ;

static int pair[2];
static const char self[] = "/proc/self/exe";
static uint64_t own_ns; /* an operation that times itself */
static char *cold;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* BENCH_CPU: processor time of this process and its children that have ended, not the clock's. */
static bool cpu;

static uint64_t used_by(int who)
{
	struct rusage r;

	getrusage(who, &r);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000u;
}

static uint64_t spent_ns(void)
{
	return cpu ? used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN) : now_ns();
}

static void die(const char *what)
{
	fprintf(stderr, "bench_calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- operations: called COUNT times with 0, 1, ... ------------------------------------------ */

static NOINLINE void op_nothing(unsigned i)
{
	(void)i;
	NOT_TAIL();
}

static NOINLINE void op_send_recv(unsigned i)
{
	char c = (char)i;

	if (send(pair[0], &c, 1, 0) != 1 || recv(pair[1], &c, 1, 0) != 1)
		die("send and recv");
}

static NOINLINE void op_write_read(unsigned i)
{
	char c = (char)i;

	if (write(pair[0], &c, 1) != 1 || read(pair[1], &c, 1) != 1)
		die("write and read");
}

static NOINLINE void op_eagain(unsigned i)
{
	char c;

	(void)i;
	if (recv(pair[0], &c, 1, MSG_DONTWAIT) != -1)
		die("recv did not fail");
	NOT_TAIL();
}

/* Twenty frames whose return addresses spell the low bits of `path`; then this. */
static void (*leaf)(unsigned i) = op_eagain;

static NOINLINE void go_left(unsigned path, unsigned depth);

static NOINLINE void go_right(unsigned path, unsigned depth)
{
	if (!depth)
		leaf(path);
	else if (path & 1)
		go_right(path >> 1, depth - 1);
	else
		go_left(path >> 1, depth - 1);
	NOT_TAIL();
}

static NOINLINE void go_left(unsigned path, unsigned depth)
{
	if (!depth)
		leaf(path);
	else if (path & 1)
		go_right(path >> 1, depth - 1);
	else
		go_left(path >> 1, depth - 1);
	NOT_TAIL();
}

static void op_stacks_new(unsigned i)
{
	go_left(i, DEPTH);
}

static void op_stacks_1000(unsigned i)
{
	go_left(i % 1000, DEPTH);
}

/* One turn of an edge-triggered loop: a request, its answer, EAGAIN, and waiting for the next. */
static int epoll;

static NOINLINE void op_turn(unsigned i)
{
	struct epoll_event e;
	char c = (char)i;

	if (send(pair[0], &c, 1, 0) != 1 || recv(pair[1], &c, 1, 0) != 1)
		die("send and recv");
	op_eagain(i);
	epoll_wait(epoll, &e, 1, 0);
	NOT_TAIL();
}

/* The processor's caches full of something else; only the call is timed. */
static NOINLINE void op_eagain_cold(unsigned i)
{
	uint64_t start;

	for (unsigned at = 0; at < 1u << 20; at += 64)
		cold[at]++;
	start = now_ns();
	op_eagain(i);
	own_ns += now_ns() - start;
}

static NOINLINE void op_open_close(unsigned i)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)i;
	if (fd < 0 || close(fd))
		die("open and close");
}

static NOINLINE void op_socket_close(unsigned i)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)i;
	if (fd < 0 || close(fd))
		die("socket and close");
}

static NOINLINE void op_dup_close(unsigned i)
{
	int fd = dup(pair[0]);

	(void)i;
	if (fd < 0 || close(fd))
		die("dup and close");
}

static NOINLINE void op_getfl(unsigned i)
{
	(void)i;
	if (fcntl(pair[0], F_GETFL) < 0)
		die("fcntl");
}

static NOINLINE void op_setfl(unsigned i)
{
	if (fcntl(pair[0], F_SETFL, i & 1 ? O_NONBLOCK : 0))
		die("fcntl");
}

static struct sockaddr_un listener = {.sun_family = AF_UNIX};
static socklen_t listener_bytes;
static int client;

static NOINLINE void op_connect(unsigned i)
{
	(void)i;
	if (!connect(client, (struct sockaddr *)&listener, listener_bytes) || errno != EAGAIN)
		die("connect did not fail with EAGAIN");
}

/* Each at a new stack, so that each is explained: what the kernel knows is gathered at once. */
static void op_connect_new(unsigned i)
{
	go_left(i, DEPTH);
}

static NOINLINE void op_fork(unsigned i)
{
	pid_t pid = fork();

	(void)i;
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
}

static NOINLINE void op_exec(unsigned i)
{
	pid_t pid = fork();

	(void)i;
	if (pid == 0) {
		execl(self, self, "nothing", "1", "quiet", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork and exec");
}

/* A program started from here, which is not preloaded itself: BENCH_CHILD, with BENCH_ENV added. */
static char *child_environ[512];
static const char *child_op = "nothing";

static NOINLINE void op_start(unsigned i)
{
	char *argv[] = {(char *)self, (char *)child_op, "1", "quiet", NULL};
	pid_t pid;
	int status;

	(void)i;
	if (posix_spawn(&pid, self, NULL, NULL, argv, child_environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		die("spawn");
}

/* ---- what they need ------------------------------------------------------------------------- */

static void set_up_pair(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
}

static void set_up_turn(void)
{
	struct epoll_event e = {.events = EPOLLIN};

	set_up_pair();
	epoll = epoll_create1(0);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &e))
		die("epoll");
}

static void set_up_cold(void)
{
	set_up_pair();
	cold = calloc(1, 1u << 20);
	if (!cold)
		die("memory");
}

static void fill_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&listener, listener_bytes) || listen(fd, 0))
		die("listener");
	do {
		client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (!connect(client, (struct sockaddr *)&listener, listener_bytes));
}

/* A listener in the abstract name space whose queue is full. */
static void set_up_listener(void)
{
	snprintf(listener.sun_path + 1, sizeof(listener.sun_path) - 1, "bench-%d", (int)getpid());
	listener_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     strlen(listener.sun_path + 1));
	fill_listener();
}

static void set_up_connect_new(void)
{
	set_up_listener();
	leaf = op_connect;
}

static void remove_listener(void)
{
	unlink(listener.sun_path);
}

/* The same with a socket file, as most daemons have. */
static void set_up_connect_file_new(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(listener.sun_path, sizeof(listener.sun_path), "%s/bench-%d",
		 dir && strlen(dir) < 80 ? dir : "/tmp", (int)getpid());
	listener_bytes = sizeof(listener);
	fill_listener();
	atexit(remove_listener);
	leaf = op_connect;
}

/* BENCH_ENV: variables separated by blanks; none of their values has one. */
static void set_up_start(void)
{
	char *extra = getenv("BENCH_ENV");
	char *op = getenv("BENCH_CHILD");
	size_t n = 0;

	if (op)
		child_op = op;
	for (char **e = environ; *e && n < 400; e++)
		child_environ[n++] = *e;
	for (char *v = extra ? strtok(extra, " ") : NULL; v && n < 511; v = strtok(NULL, " "))
		child_environ[n++] = v;
}

static const struct op {
	const char *name;
	void (*run)(unsigned i);
	void (*set_up)(void);
} ops[] = {
	{"nothing", op_nothing, NULL},
	{"send_recv", op_send_recv, set_up_pair},
	{"write_read", op_write_read, set_up_pair},
	{"eagain", op_eagain, set_up_pair},
	{"eagain_turn", op_turn, set_up_turn},
	{"eagain_first", op_eagain, set_up_pair}, /* with COUNT 1 */
	{"eagain_cold", op_eagain_cold, set_up_cold},
	{"stacks_1000", op_stacks_1000, set_up_pair},
	{"stacks_new", op_stacks_new, set_up_pair},
	{"open_close", op_open_close, NULL},
	{"socket_close", op_socket_close, NULL},
	{"dup_close", op_dup_close, set_up_pair},
	{"fcntl_getfl", op_getfl, set_up_pair},
	{"fcntl_setfl", op_setfl, set_up_pair},
	{"connect", op_connect, set_up_listener},
	{"connect_new", op_connect_new, set_up_connect_new},
	{"connect_file_new", op_connect_new, set_up_connect_file_new},
	{"fork", op_fork, NULL},
	{"exec", op_exec, NULL},
	{"start", op_start, set_up_start},
};

/* ---- running -------------------------------------------------------------------------------- */

static NOINLINE void repeat(void (*run)(unsigned i), unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		run(i);
	NOT_TAIL();
}

static NOINLINE void under(unsigned depth, void (*run)(unsigned i), unsigned count)
{
	if (depth)
		under(depth - 1, run, count);
	else
		repeat(run, count);
	NOT_TAIL();
}

/* main, its caller and libc's start are frames too. */
static NOINLINE uint64_t timed(const struct op *op, unsigned count)
{
	bool own_depth =
		op->run == op_stacks_new || op->run == op_stacks_1000 || op->run == op_connect_new;
	uint64_t start = spent_ns(), spent;

	own_ns = 0;
	under(own_depth ? 0 : DEPTH - 7, op->run, count);
	spent = spent_ns() - start;
	return own_ns ? own_ns : spent;
}

static const struct op *find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct op *op = argc > 1 ? find(argv[1]) : NULL;
	bool quiet = argc > 3 && !strcmp(argv[3], "quiet");
	/* Untimed ones first, from the same place, so that their stacks are the same. */
	volatile unsigned count[] = {argc > 3 ? (unsigned)atoi(argv[3]) : 0,
				     argc > 2 ? (unsigned)atoi(argv[2]) : 1};
	uint64_t ns = 0;

	if (!op) {
		fprintf(stderr, "usage: bench_calls OP COUNT [WARM_UP|quiet]\n");
		return 2;
	}
	cpu = getenv("BENCH_CPU") != NULL;
	if (op->set_up)
		op->set_up();
	for (volatile int pass = 0; pass < 2; pass++)
		ns = timed(op, count[pass]);
	if (!quiet)
		printf("%.3f\n", (double)ns / count[1]);
	return 0;
}
