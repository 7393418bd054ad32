/* SPDX-License-Identifier: MIT */
/*
 * spares.c - fork children that have nothing to say, have something, live on, exec, are killed, or
 * outlive their parent: spares WAY. Prints "ready" in the end and waits on stdin. Ways: see the
 * table at the end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "target.h"

static const char *self;

static pid_t child(void (*run)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		target_die("fork");
	if (pid)
		return pid;
	run();
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		target_die("waitpid");
}

static void be_quiet(void)
{
}

static void open_and_close(void)
{
	int fds[400];

	for (int i = 0; i < 400; i++)
		fds[i] = dup(0);
	for (int i = 0; i < 400; i++)
		close(fds[i]);
}

static NOINLINE void forget_one(void)
{
	if (open("/dev/null", O_RDONLY) < 0)
		target_die("open");
}

static void be_killed(void)
{
	forget_one();
	raise(SIGKILL);
}

static void exec_nothing(void)
{
	execl("/proc/self/exe", self, "nothing", (char *)NULL);
	_exit(98);
}

static void quiet(void)
{
	for (int i = 0; i < 50; i++)
		wait_for(child(be_quiet));
}

/* What the first leaves in the record must not be the second's. */
static void wide_then_killed(void)
{
	wait_for(child(open_and_close));
	wait_for(child(be_killed));
	wait_for(child(be_quiet));
}

static int gate[2];

static void wait_at_gate(void)
{
	char c;

	close(gate[1]);
	if (read(gate[0], &c, 1) != 0)
		_exit(97);
}

/* Two that live at once, a third while they do. */
static void at_once(void)
{
	pid_t pid[2];

	if (pipe(gate))
		target_die("pipe");
	for (int i = 0; i < 2; i++)
		pid[i] = child(wait_at_gate);
	wait_for(child(be_quiet));
	close(gate[1]);
	for (int i = 0; i < 2; i++)
		wait_for(pid[i]);
	close(gate[0]);
	wait_for(child(be_quiet));
}

static void execs(void)
{
	for (int i = 0; i < 5; i++)
		wait_for(child(exec_nothing));
}

/* The parent ends first. */
static void outlive(void)
{
	if (pipe(gate))
		target_die("pipe");
	child(wait_at_gate);
	_exit(0);
}

static void *fork_some(void *unused)
{
	for (int i = 0; i < 25; i++)
		wait_for(child(be_quiet));
	return unused;
}

static void threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, fork_some, NULL))
			target_die("pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void in_a_handler(int signo)
{
	(void)signo;
	wait_for(child(be_quiet));
}

/* A fork that a signal interrupts, whose handler forks. */
static void handler(void)
{
	struct sigaction a = {.sa_handler = in_a_handler, .sa_flags = SA_RESTART};
	pid_t parent = getpid(), pid;

	sigaction(SIGUSR1, &a, NULL);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 2000 && !kill(parent, SIGUSR1); i++)
			sched_yield();
		_exit(0);
	}
	for (int i = 0; i < 200; i++)
		wait_for(child(be_quiet));
	kill(pid, SIGKILL);
	wait_for(pid);
}

static volatile sig_atomic_t left = 60, is_child;

/* The next one comes a little later. */
static void alarm_again(void)
{
	const struct itimerval once = {.it_value = {0, 20}};

	setitimer(ITIMER_REAL, &once, NULL);
}

static void fork_and_return(int signo)
{
	pid_t pid = fork();
	int status;

	(void)signo;
	is_child = pid == 0;
	if (is_child)
		left = 50;
	if (is_child)
		return;
	if (waitpid(pid, &status, 0) != pid || status)
		target_die("child");
	if (--left)
		alarm_again();
}

/*
 * The same, but the child goes on where the parent was interrupted: mostly in the middle of a
 * birth, a failure or a death.
 */
static void handler_returns(void)
{
	struct sigaction a = {.sa_handler = fork_and_return, .sa_flags = SA_RESTART};
	int fd, pair[2];
	char c;

	if (pipe2(pair, O_NONBLOCK))
		target_die("pipe2");
	sigaction(SIGALRM, &a, NULL);
	alarm_again();
	while (left) {
		fd = dup(0);
		(void)!read(pair[0], &c, 1);
		close(fd);
		if (is_child) /* nobody else changes it there */
			left--;
	}
	close(pair[0]);
	close(pair[1]);
}

/* How many records a process can write to: its own, and not one of those before it. */
static int records_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[4096];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, ".rec") != NULL;
	if (f)
		fclose(f);
	return n;
}

static void look_at_maps(void)
{
	if (records_mapped() != 1)
		_exit(97);
}

static void look_twice(void)
{
	int status;

	look_at_maps();
	if (waitpid(child(look_at_maps), &status, 0) < 0 || status)
		_exit(96);
}

static void maps(void)
{
	int status;

	if (waitpid(child(look_twice), &status, 0) < 0 || status)
		target_die("child");
}

static void nothing(void)
{
}

static const struct target_way ways[] = {
	{"quiet", quiet},     {"wide_then_killed", wide_then_killed},
	{"at_once", at_once}, {"execs", execs},
	{"outlive", outlive}, {"threads", threads},
	{"handler", handler}, {"handler_returns", handler_returns},
	{"maps", maps},       {"nothing", nothing},
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (!TARGET_RUN(ways, argv[1]))
		return 2;
	return argc > 2 ? target_ready() : 0;
}
