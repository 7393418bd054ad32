/* SPDX-License-Identifier: MIT */
/*
 * eagain_where.c - fails to connect to a full backlog of its own where looking into it is hard, and
 * checks that nobody looked: same errno, signal mask, free fd number, threads and children.
 *
 * eagain_where plain|handler|chroot|seccomp|emfile|nofile|threads|nproc DIRECTORY
 *	chroot, nproc: as root only, exit 77 else
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

#define BACKLOG 2

static struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "where"};
static int client, threads = 1;
static bool can_open = true;
static sigset_t mask;

static void expect(bool good, const char *what)
{
	if (!good)
		target_die(what);
}

static NOINLINE void connect_in_vain(void)
{
	for (int i = 0; i < 4; i++)
		expect(connect(client, (void *)&to, sizeof(to)) && errno == EAGAIN, "connect");
	KEEP_FRAME();
}

static void fill(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(to.sun_path);
	expect(!bind(fd, (void *)&to, sizeof(to)) && !listen(fd, BACKLOG), "listen");
	expect(!chmod(to.sun_path, 0666), "chmod");
	for (int i = 0; i <= BACKLOG; i++)
		expect(!connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, sizeof(to)), "fill");
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

/* ---- has anybody been here? ---------------------------------------------------------------------
 */

static int lowest_free(void)
{
	int fd = can_open ? dup(client) : -1;

	if (fd >= 0)
		close(fd);
	return fd;
}

static int count_threads(void)
{
	DIR *d = can_open ? opendir("/proc/self/task") : NULL;
	int n = 0;

	if (!d)
		return threads;
	for (struct dirent *e; (e = readdir(d));)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

static void look_around(int free_fd)
{
	sigset_t now;

	memset(&now, 0, sizeof(now));
	expect(lowest_free() == free_fd, "another fd is free now");
	expect(count_threads() == threads, "threads");
	expect(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD, "children");
	sigprocmask(SIG_BLOCK, NULL, &now);
	expect(!memcmp(&now, &mask, sizeof(now)), "signal mask");
}

/* ---- ways -------------------------------------------------------------------------------------
 */

static void in_handler(int signo)
{
	(void)signo;
	connect_in_vain();
}

static void handler(void)
{
	signal(SIGUSR1, in_handler);
	raise(SIGUSR1);
}

static void in_chroot(void)
{
	if (chroot("."))
		exit(77);
	expect(!chdir("/") && !setgid(65534) && !setuid(65534), "drop");
	can_open = false; /* no /proc */
	connect_in_vain();
}

/* Anything but this kills the process. */
static void in_prison(void)
{
#define ALLOW(n) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (n), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(__NR_connect),
		ALLOW(__NR_read),
		ALLOW(__NR_write),
		ALLOW(__NR_exit_group),
		ALLOW(__NR_fstat),
		ALLOW(__NR_newfstatat),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0),
	       "seccomp");
	connect_in_vain();
	_exit(write(1, "ready\n", 6) != 6); /* stdio would allocate */
}

static void with_no_fd_free(void)
{
	struct rlimit l;

	expect(!getrlimit(RLIMIT_NOFILE, &l), "getrlimit");
	l.rlim_cur = 40;
	expect(!setrlimit(RLIMIT_NOFILE, &l), "setrlimit");
	while (dup(client) >= 0)
		;
	expect(errno == EMFILE, "EMFILE");
	connect_in_vain();
}

static void with_no_fd_allowed(void)
{
	struct rlimit l;

	expect(!getrlimit(RLIMIT_NOFILE, &l), "getrlimit");
	l.rlim_cur = 0;
	expect(!setrlimit(RLIMIT_NOFILE, &l), "setrlimit");
	can_open = false;
	connect_in_vain();
}

static pthread_barrier_t barrier;

static void *sleeper(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void among_threads(void)
{
	pthread_t t;

	threads = 2;
	pthread_barrier_init(&barrier, NULL, 2);
	expect(!pthread_create(&t, NULL, sleeper, NULL), "thread");
	pthread_barrier_wait(&barrier);
	connect_in_vain();
	look_around(lowest_free());
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	threads = 1;
}

/* With threads, and no thread more to be had. */
static void at_nproc(void)
{
	const struct rlimit none = {0, 0};
	pthread_t t;

	threads = 2;
	pthread_barrier_init(&barrier, NULL, 2);
	if (geteuid())
		exit(77);
	expect(!pthread_create(&t, NULL, sleeper, NULL), "thread");
	pthread_barrier_wait(&barrier);
	expect(!setrlimit(RLIMIT_NPROC, &none) && !setgid(65534) && !setuid(65534), "drop");
	connect_in_vain();
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	threads = 1;
}

int main(int argc, char **argv)
{
	static const struct target_way ways[] = {
		{"plain", connect_in_vain},  {"handler", handler},
		{"chroot", in_chroot},       {"seccomp", in_prison},
		{"emfile", with_no_fd_free}, {"nofile", with_no_fd_allowed},
		{"threads", among_threads},  {"nproc", at_nproc},
	};
	int free_fd;

	if (argc < 3 || chdir(argv[2]))
		return 2;
	fill();
	sigprocmask(SIG_BLOCK, NULL, &mask);
	free_fd = lowest_free();
	if (!TARGET_RUN(ways, argv[1]))
		return 2;
	look_around(!strcmp(argv[1], "emfile") || !can_open ? -1 : free_fd);
	return target_ready();
}
