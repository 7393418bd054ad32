/* SPDX-License-Identifier: MIT */
/*
 * thrown.cc - C++ exceptions leave wrapped calls: thrown by a signal handler while the call blocks, or
 * by a callback; and threads are cancelled in them. Each frame's destructor must run. Says what it
 * saw, and how many fds it has in the end.
 */
#include <cxxabi.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdexcept>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

int pair[2], full[2], listener, epoll, locks[2];
const char *fifo;

struct Frame {
	const char *name;
	~Frame() { printf("unwound %s\n", name); }
};

void in_read()
{
	char c;
	(void)!read(pair[0], &c, 1);
}

void in_recvmsg()
{
	char c;
	iovec v = { &c, 1 };
	msghdr m = {};
	m.msg_iov = &v;
	m.msg_iovlen = 1;
	recvmsg(pair[0], &m, 0);
}

void in_write()
{
	(void)!write(full[1], "x", 1);
}

void in_poll()
{
	pollfd p = { pair[0], POLLIN, 0 };
	poll(&p, 1, -1);
}

void in_select()
{
	fd_set s;
	FD_ZERO(&s);
	FD_SET(pair[0], &s);
	select(pair[0] + 1, &s, nullptr, nullptr, nullptr);
}

void in_epoll()
{
	epoll_event e;
	epoll_wait(epoll, &e, 1, -1);
}

void in_accept()
{
	accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

void in_open()
{
	open(fifo, O_RDONLY);
}

void in_lock()
{
	struct flock l = {};
	l.l_type = F_WRLCK;
	fcntl(locks[1], F_OFD_SETLKW, &l);
}

int refuse(const dirent *)
{
	throw std::logic_error("by a callback");
}

void in_scandir()
{
	dirent **list;
	scandir("/", &list, refuse, nullptr);
}

struct Call {
	const char *name;
	void (*call)();
	bool blocks;
} const calls[] = {
	{ "read", in_read, true },     { "recvmsg", in_recvmsg, true }, { "write", in_write, true },
	{ "poll", in_poll, true },     { "select", in_select, true },   { "epoll", in_epoll, true },
	{ "accept", in_accept, true }, { "open", in_open, true },       { "lock", in_lock, true },
	{ "scandir", in_scandir, false },
};

/* Until the thread waits in the kernel. */
void await_asleep(pid_t tid)
{
	char path[64], line[256], state = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	while (state != 'S') {
		FILE *f = fopen(path, "re");
		if (!f || !fgets(line, sizeof(line), f) || sscanf(strrchr(line, ')'), ") %c", &state) != 1)
			abort();
		fclose(f);
		usleep(100);
	}
}

void thrower(int)
{
	throw std::runtime_error("by a handler");
}

pthread_t main_thread;

void *send_signal(void *)
{
	await_asleep(getpid());
	pthread_kill(main_thread, SIGUSR1);
	return nullptr;
}

void thrown_out_of(const Call &c)
{
	pthread_t t;

	try {
		Frame f = { c.name };
		if (c.blocks)
			pthread_create(&t, nullptr, send_signal, nullptr);
		c.call();
		printf("%s returned\n", c.name);
	} catch (std::exception &e) {
		printf("%s: thrown %s\n", c.name, e.what());
	}
	if (c.blocks)
		pthread_join(t, nullptr);
}

volatile pid_t cancelled_tid;

void *to_cancel(void *arg)
{
	const Call *c = static_cast<const Call *>(arg);
	Frame f = { c->name };

	try {
		cancelled_tid = gettid();
		c->call();
	} catch (abi::__forced_unwind &) {
		printf("%s: cancelled\n", c->name);
		throw;
	}
	return nullptr;
}

void cancelled_in(const Call &c)
{
	pthread_t t;
	void *result;

	cancelled_tid = 0;
	pthread_create(&t, nullptr, to_cancel, const_cast<Call *>(&c));
	while (!cancelled_tid)
		usleep(100);
	await_asleep(cancelled_tid);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%s: %s\n", c.name, result == PTHREAD_CANCELED ? "ended so" : "returned");
}

void *leave(void *arg)
{
	Frame f = { "pthread_exit" };
	pthread_exit(arg);
}

void start()
{
	sockaddr_un any = { AF_UNIX, "" };
	struct flock l = {};
	static char dir[] = "thrown-XXXXXX", path[64];
	struct sigaction s = {};

	l.l_type = F_WRLCK;
	s.sa_handler = thrower;
	s.sa_flags = SA_NODEFER; /* a handler that is left by throw leaves its mask behind */
	sigaction(SIGUSR1, &s, nullptr);
	main_thread = pthread_self();
	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(full))
		abort();
	snprintf(path, sizeof(path), "%s/lock", dir);
	for (int &fd : locks)
		fd = open(path, O_RDWR | O_CREAT, 0600);
	fcntl(locks[0], F_OFD_SETLK, &l);
	unlink(path);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	mkfifo(fifo = path, 0600);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, reinterpret_cast<sockaddr *>(&any), sizeof(any.sun_family)) ||
	    listen(listener, 1))
		abort();
	epoll = epoll_create1(0);
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	while (write(full[1], "x", 1) == 1)
		;
	fcntl(full[1], F_SETFL, 0);
}

int count_fds()
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

} // namespace

int main()
{
	void *result;
	pthread_t t;

	start();
	for (int i = 0; i < 3; i++)
		for (const Call &c : calls) {
			thrown_out_of(c);
			if (c.blocks)
				cancelled_in(c);
		}
	pthread_create(&t, nullptr, leave, &result);
	pthread_join(t, &result);
	printf("left %d, %d fds\n", result == &result, count_fds());
	unlink(fifo);
	*strrchr(const_cast<char *>(fifo), '/') = 0;
	rmdir(fifo);
	return 0;
}
