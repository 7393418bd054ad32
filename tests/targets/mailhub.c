/* SPDX-License-Identifier: MIT */
/*
 * mailhub.c - a small mail hub with the faults that real ones have; `make run` shows what fdwhy
 * says of them. It needs nothing, runs a few seconds in a directory of its own and leaves nothing
 * behind.
 *
 *   feeder ----> front ----> delivery     UNIX listener with a short backlog; delivery is slow, so
 *  (clients)       |                      connect() of the front fails with EAGAIN, and delivery
 *                  |                      forgets to close the spool file of each message
 *                  |-------> archiver     reads slowly, so send() of the front times out with
 * EAGAIN
 *                  '- mailbox, index      locked by the indexer most of the time, so flock() and
 *                     ^ indexer           fcntl() of the front fail with EAGAIN
 *
 * The front itself is a proper event loop: it takes all there is until EAGAIN and goes back to
 * epoll_wait(). Nothing is wrong with these EAGAINs, and they are many.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 150
#define MESSAGE_BYTES 4000
#define PAUSE_MS 20     /* between two messages of the feeder */
#define DELIVERY_MS 120 /* what delivery needs for one message */
#define BACKLOG 2

static char directory[64];
static int quit_read; /* ends when the hub closes the other end: time to go */

static struct {
	unsigned received, delivered, deferred, stored, locked_out, archived, dropped;
} counts;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "mailhub: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", directory, name);
	return a;
}

static int listen_on(const char *name, int flags, int backlog)
{
	struct sockaddr_un a = address_of(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog))
		die(name);
	return fd;
}

/* True when the hub has told everybody to go; waits at most `ms` for it. */
static bool told_to_quit(int ms)
{
	struct pollfd p = {.fd = quit_read, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

/* ---- delivery: one message at a time, slowly, and never closes a spool file -------------------
 */

static void spool_message(unsigned number, const char *message, size_t bytes)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/spool/%u", directory, number);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, message, bytes) < 0)
		die(path);
	/* the fault: fd is never closed */
}

static void handle_delivery(int fd, unsigned number)
{
	char message[MESSAGE_BYTES];
	ssize_t n = recv(fd, message, sizeof(message), MSG_WAITALL);

	if (n > 0)
		spool_message(number, message, (size_t)n);
	close(fd);
}

static void run_delivery(int listener)
{
	struct pollfd p[] = {{.fd = listener, .events = POLLIN},
			     {.fd = quit_read, .events = POLLIN}};

	for (unsigned number = 0; poll(p, 2, -1) > 0 && !p[1].revents;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			die("accept");
		handle_delivery(fd, number++);
		if (told_to_quit(DELIVERY_MS))
			break;
	}
}

/* ---- indexer: holds the locks of mailbox and index --------------------------------------------
 */

static void lock_for_indexing(int mailbox, int index, short type)
{
	struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

	if (flock(mailbox, type == F_UNLCK ? LOCK_UN : LOCK_EX) || fcntl(index, F_SETLKW, &whole))
		die("lock");
}

static void run_indexer(int ready)
{
	int mailbox = open(path_of("mailbox"), O_RDWR | O_CLOEXEC);
	int index = open(path_of("index"), O_RDWR | O_CLOEXEC);

	if (mailbox < 0 || index < 0)
		die("indexer");
	lock_for_indexing(mailbox, index, F_WRLCK);
	close(ready);
	while (!told_to_quit(900)) {
		lock_for_indexing(mailbox, index, F_UNLCK);
		if (told_to_quit(100))
			break;
		lock_for_indexing(mailbox, index, F_WRLCK);
	}
	close(index);
	close(mailbox);
}

/* ---- archiver: reads a little now and then ----------------------------------------------------
 */

static void run_archiver(int stream)
{
	char some[2000];

	while (!told_to_quit(50))
		if (recv(stream, some, sizeof(some), MSG_DONTWAIT) == 0)
			break;
}

/* ---- feeder: the clients ----------------------------------------------------------------------
 */

static void run_feeder(void)
{
	const struct sockaddr_un a = address_of("front");
	static const char message[MESSAGE_BYTES] = "From: somebody\n\nhello\n";

	for (int i = 0; i < MESSAGES && !told_to_quit(PAUSE_MS); i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) ||
		    send(fd, message, sizeof(message), MSG_NOSIGNAL) < 0)
			die("feeder");
		close(fd);
	}
}

/* ---- front: the event loop --------------------------------------------------------------------
 */

struct client {
	int fd; /* -1: the listener */
	size_t bytes;
	char message[MESSAGE_BYTES];
};

static bool connect_to_delivery(int fd)
{
	const struct sockaddr_un a = address_of("delivery");

	return !connect(fd, (const struct sockaddr *)&a, sizeof(a));
}

static void deliver_message(const struct client *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect_to_delivery(fd) &&
	    send(fd, c->message, c->bytes, MSG_NOSIGNAL) == (ssize_t)c->bytes)
		counts.delivered++;
	else
		counts.deferred++;
	close(fd);
}

static bool lock_mailbox(int fd)
{
	return !flock(fd, LOCK_EX | LOCK_NB);
}

static bool lock_index(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return !fcntl(fd, F_SETLK, &whole);
}

static void store_in_mailbox(const struct client *c)
{
	int mailbox = open(path_of("mailbox"), O_WRONLY | O_APPEND | O_CLOEXEC);
	int index = open(path_of("index"), O_WRONLY | O_APPEND | O_CLOEXEC);
	bool mine = lock_mailbox(mailbox);

	mine = lock_index(index) && mine;
	if (mine && write(mailbox, c->message, c->bytes) > 0 && write(index, "+", 1) == 1)
		counts.stored++;
	else
		counts.locked_out++;
	close(index);
	close(mailbox);
}

static void archive_message(const struct client *c, int archive)
{
	if (send(archive, c->message, c->bytes, MSG_NOSIGNAL) > 0)
		counts.archived++;
	else
		counts.dropped++;
}

static void finish_client(struct client *c, int archive)
{
	counts.received++;
	deliver_message(c);
	store_in_mailbox(c);
	archive_message(c, archive);
	close(c->fd);
	free(c);
}

/* Takes all there is; back to the loop at EAGAIN. */
static void read_client(struct client *c, int archive)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->message + c->bytes, sizeof(c->message) - c->bytes, 0);
		if (n > 0)
			c->bytes += (size_t)n;
	} while (n > 0 && c->bytes < sizeof(c->message));
	if (n >= 0 || errno != EAGAIN)
		finish_client(c, archive);
}

static void watch(int ep, struct client *c, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	c->fd = fd;
	c->bytes = 0;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

static void accept_clients(int listener, int ep)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = malloc(sizeof(*c));

		if (!c)
			die("client");
		watch(ep, c, fd);
	}
	if (errno != EAGAIN)
		die("accept");
}

/* A blocking socket whose send() fails with EAGAIN after the timeout. */
static void limit_archive_wait(int archive)
{
	const struct timeval five_ms = {.tv_usec = 5000};

	if (setsockopt(archive, SOL_SOCKET, SO_SNDTIMEO, &five_ms, sizeof(five_ms)))
		die("SO_SNDTIMEO");
}

/* A client can be read, or (NULL) new ones wait at the listener. */
static void serve(struct client *c, int listener, int ep, int archive)
{
	if (c)
		read_client(c, archive);
	else
		accept_clients(listener, ep);
}

static void run_front(int listener, int archive)
{
	struct epoll_event e[8];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	struct client self;

	if (ep < 0)
		die("epoll");
	watch(ep, &self, listener);
	while (counts.received < MESSAGES && (n = epoll_wait(ep, e, 8, 5000)) > 0)
		for (int i = 0; i < n; i++)
			serve(e[i].data.ptr == &self ? NULL : e[i].data.ptr, listener, ep, archive);
	close(ep);
}

/* ---- the hub ----------------------------------------------------------------------------------
 */

static void make_directory(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%.32s/mailhub-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(directory) || mkdir(path_of("spool"), 0700) ||
	    close(creat(path_of("mailbox"), 0600)) || close(creat(path_of("index"), 0600)))
		die(directory);
}

static void remove_directory(void)
{
	static const char *const names[] = {"spool", "mailbox", "index", "front", "delivery"};
	char spooled[32];

	for (unsigned i = 0; i < MESSAGES; i++) {
		snprintf(spooled, sizeof(spooled), "spool/%u", i);
		unlink(path_of(spooled));
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(path_of(names[i]));
	if (rmdir(directory))
		die(directory);
}

/* A process of its own; it sees the end of the hub through quit_read. */
static bool start(const char *name, int quit_write)
{
	pid_t pid = fork();

	if (pid < 0)
		die(name);
	if (pid)
		return false;
	close(quit_write);
	prctl(PR_SET_NAME, name);
	return true;
}

static void wait_for_indexer(int quit_write)
{
	int ready[2];
	char c;

	if (pipe2(ready, O_CLOEXEC))
		die("pipe");
	if (start("indexer", quit_write)) {
		close(ready[0]);
		run_indexer(ready[1]);
		exit(0);
	}
	close(ready[1]);
	while (read(ready[0], &c, 1) > 0)
		;
	close(ready[0]);
}

static void print_counts(void)
{
	printf("mailhub: %u messages: %u delivered, %u deferred; %u stored, %u locked out; "
	       "%u archived, %u dropped\n",
	       counts.received, counts.delivered, counts.deferred, counts.stored, counts.locked_out,
	       counts.archived, counts.dropped);
}

int main(void)
{
	int quit[2], stream[2], listener, delivery;

	make_directory();
	if (pipe2(quit, O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream))
		die("start");
	quit_read = quit[0];
	listener = listen_on("front", SOCK_NONBLOCK, 128);
	delivery = listen_on("delivery", 0, BACKLOG);
	if (start("delivery", quit[1]))
		return run_delivery(delivery), 0;
	close(delivery);
	if (start("archiver", quit[1]))
		return run_archiver(stream[0]), 0;
	close(stream[0]);
	wait_for_indexer(quit[1]);
	if (start("feeder", quit[1]))
		return run_feeder(), 0;
	limit_archive_wait(stream[1]);
	run_front(listener, stream[1]);
	close(quit[1]);
	while (wait(NULL) > 0)
		;
	close(quit_read);
	close(listener);
	close(stream[1]);
	remove_directory();
	print_counts();
	return 0;
}
