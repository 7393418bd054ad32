/* SPDX-License-Identifier: MIT */
/*
 * test_dovecot.c - the story that began this: imap-login says "net_connect_unix(imap) failed: Resource
 * temporarily unavailable" and nobody knows why. A private Dovecot on loopback; its only imap process
 * waits for a mailbox lock that somebody else holds, while more clients log in than its socket queues.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"

#define ARG(s) ((char *)(uintptr_t)(s))
#define CLIENTS 20

static const char *const config = "base_dir = %1$s/run\n"
				  "state_dir = %1$s/run\n"
				  "log_path = %1$s/log\n"
				  "protocols = imap\n"
				  "listen = 127.0.0.1\n"
				  "ssl = no\n"
				  "disable_plaintext_auth = no\n"
				  "default_internal_user = dovecot\n"
				  "default_login_user = dovenull\n"
				  "mail_location = maildir:%1$s/home/mail\n"
				  "first_valid_uid = 1\n"
				  "import_environment = TZ\n"
				  "passdb {\n  driver = static\n  args = password=pw\n}\n"
				  "userdb {\n  driver = static\n"
				  "  args = uid=mail gid=mail home=%1$s/home\n}\n"
				  "service imap-login {\n"
				  "  inet_listener imap {\n    port = %2$d\n  }\n"
				  "  inet_listener imaps {\n    port = 0\n  }\n"
				  "  process_min_avail = 1\n  service_count = 0\n}\n"
				  "service imap {\n  client_limit = 2\n  process_limit = 1\n"
				  "  service_count = 0\n}\n";

static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&a, n), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* A mailbox whose lock file somebody else holds. */
static void make_mailbox(const struct work *w)
{
	static const char *const dirs[] = {"home",          "home/mail",     "home/mail/cur",
					   "home/mail/new", "home/mail/tmp", "run"};
	const struct passwd *owner = getpwnam("mail");
	const char *lock = work_path(w, "home/mail/dovecot-uidlist.lock");

	assert_non_null(owner);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		assert_int_equal(mkdir(work_path(w, dirs[i]), 0755), 0);
		if (i < 5)
			assert_int_equal(
				chown(work_path(w, dirs[i]), owner->pw_uid, owner->pw_gid), 0);
	}
	close(open(lock, O_WRONLY | O_CREAT, 0644));
	assert_int_equal(chown(lock, owner->pw_uid, owner->pw_gid), 0);
}

static struct proc start(const struct work *w, int port)
{
	FILE *f = fopen(work_path(w, "dovecot.conf"), "we");
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-q",
			"-o",
			ARG(work_path(w, "s")),
			"dovecot",
			"-F",
			"-c",
			ARG(work_path(w, "dovecot.conf")),
			NULL};

	fprintf(f, config, w->dir, port);
	fclose(f);
	return proc_start(w, argv, NULL);
}

struct client {
	int port, fd;
};

static bool connects(void *arg)
{
	struct client *c = arg;
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)c->port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!connect(c->fd, (void *)&a, sizeof(a)))
		return true;
	close(c->fd);
	return false;
}

static int log_in(int port)
{
	static const char commands[] = "a login u pw\r\nb select inbox\r\n";
	struct client c = {.port = port};
	char greeting[512];

	assert_true(wait_until(connects, &c, 20));
	assert_true(read(c.fd, greeting, sizeof(greeting)) > 0);
	assert_int_equal(write(c.fd, commands, sizeof(commands) - 1), sizeof(commands) - 1);
	return c.fd;
}

struct words {
	const char *file, *text;
};

static bool file_says(void *arg)
{
	const struct words *x = arg;
	char *all = file_text(x->file);
	bool found = strstr(all, x->text) != NULL;

	free(all);
	return found;
}

/* Every process of the session that still lives: the blocked imap outlives its master. */
static void stop_all(const struct work *w, struct proc *p)
{
	json_object *r, *list;

	kill(p->pid, SIGTERM);
	r = report_of(w, work_path(w, "s"));
	list = field(r, "processes");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (!strcmp(text_of(o, "end.how"), "running"))
			kill((pid_t)number_of(o, "pid"), SIGKILL);
	}
	json_object_put(r);
	proc_wait(p);
}

static void check(const struct work *w)
{
	json_object *r = report_of(w, work_path(w, "s")), *list;
	json_object *e = find_site(r, "eagain", "connect", "net_connect_unix");
	const char *comm = "";

	assert_non_null(e);
	assert_string_equal(text_of(e, "target.path"), work_path(w, "run/login/imap"));
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_string_equal(text_of(e, "severity"), "failure");
	assert_string_equal(text_of(e, "evidence.mode"), "O_NONBLOCK");
	assert_string_equal(text_of(e, "evidence.listener_comm"), "imap");
	assert_true(number_of(e, "evidence.backlog") > 0);
	assert_true(number_of(e, "evidence.last_accept_age_ns") > 0);
	list = field(r, "processes");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (number_of(o, "pid") ==
		    json_object_get_int(json_object_array_get_idx(field(e, "pids"), 0)))
			comm = text_of(o, "comm");
	}
	assert_string_equal(comm, "imap-login");
	json_object_put(r);
}

static void the_full_backlog_of_imap_is_explained(void **state)
{
	const struct work *w = *state;
	struct words said = {work_path(w, "log"), "net_connect_unix(imap) failed"};
	struct words in = {work_path(w, "log"), "Login:"};
	int port, clients[CLIENTS];
	char log[300];
	struct proc p;

	SKIP_UNLESS(geteuid() == 0, "Dovecot's master must be started by root");
	SKIP_UNLESS(installed("dovecot"), "dovecot is not installed");
	snprintf(log, sizeof(log), "%s/log", w->dir);
	said.file = in.file = log;
	make_mailbox(w);
	port = free_port();
	p = start(w, port);
	clients[0] = log_in(port);
	assert_true(wait_until(file_says, &in, 20));
	for (int i = 1; i < CLIENTS; i++)
		clients[i] = log_in(port);
	assert_true(wait_until(file_says, &said, 20));
	check(w);
	stop_all(w, &p);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		the_full_backlog_of_imap_is_explained, work_begin, work_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
