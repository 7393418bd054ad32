/* SPDX-License-Identifier: MIT */
/*
 * test_dovecot.c - the login failure of an overloaded Dovecot, with an unmodified one on loopback.
 *
 * imap may have one process with two clients. The test holds a lock on the mailbox, so the first
 * client blocks this process; ten more log in, the backlog of login/imap fills, and connect() of
 * imap-login fails with EAGAIN. imap-login runs chrooted as another user, connects to the relative
 * path "imap", and gets a cleaned environment from Dovecot's master.
 */
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

#define CLIENTS 10

static const char config[] =
	"base_dir = %1$s/base\n"
	"state_dir = %1$s/state\n"
	"log_path = %1$s/log\n"
	"protocols = imap\n"
	"listen = 127.0.0.1\n"
	"ssl = no\n"
	"disable_plaintext_auth = no\n"
	"auth_mechanisms = plain\n"
	"default_internal_user = dovecot\n"
	"default_login_user = dovenull\n"
	"passdb {\n driver = static\n args = password=secret\n}\n"
	"userdb {\n driver = static\n args = uid=nobody gid=nogroup home=%1$s/mail\n}\n"
	"mail_location = mbox:%1$s/mail:INBOX=%1$s/mail/inbox\n"
	"mbox_read_locks = fcntl\n"
	"mbox_write_locks = fcntl\n"
	"first_valid_uid = 1\n"
	"first_valid_gid = 1\n"
	"service imap-login {\n"
	" inet_listener imap {\n  port = %2$d\n }\n"
	" inet_listener imaps {\n  port = 0\n }\n"
	" service_count = 0\n"
	" process_min_avail = 1\n"
	"}\n"
	"service imap {\n client_limit = 2\n process_limit = 1\n}\n";

struct dovecot {
	const struct work *w;
	int port, lock, clients[CLIENTS];
	struct proc run;
};

static void make_mailbox(const struct work *w)
{
	static const char mail[] = "From a@b Thu Jan  1 00:00:00 1970\nSubject: s\n\nhello\n";
	const struct passwd *nobody = getpwnam("nobody");
	const char *dir = work_path(w, "mail"), *inbox = work_path(w, "mail/inbox");

	assert_non_null(nobody);
	assert_int_equal(mkdir(dir, 0755) || mkdir(work_path(w, "base"), 0755), 0);
	file_write(inbox, "%s", mail);
	assert_int_equal(chown(dir, nobody->pw_uid, nobody->pw_gid), 0);
	assert_int_equal(chown(inbox, nobody->pw_uid, nobody->pw_gid), 0);
}

static void hold_mailbox_lock(struct dovecot *d)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	d->lock = open(work_path(d->w, "mail/inbox"), O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(d->lock, F_SETLK, &whole), 0);
}

/* Logged in and said hello to, or only connected: what there is to read is "* OK". */
static bool greets(void *arg)
{
	struct dovecot *d = arg;
	char line[16] = "";
	int fd = port_connect(d->port);
	bool ok = fd >= 0 && recv(fd, line, sizeof(line) - 1, 0) > 0 && !memcmp(line, "* OK", 4);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* `option` is one more for fdwhy run. */
static void start_dovecot(const struct work *w, struct dovecot *d, const char *option)
{
	char session[512], conf[512];
	char *argv[] = {ARG(built("fdwhy")), "run", "-q", ARG(option), "-o", session, "--",
			"/usr/sbin/dovecot", "-F",  "-c", conf,        NULL};

	d->w = w;
	d->port = port_free();
	strcpy(session, work_path(w, "s"));
	strcpy(conf, work_path(w, "dovecot.conf"));
	file_write(conf, config, w->dir, d->port);
	make_mailbox(w);
	d->run = proc_start(w, argv, NULL);
	assert_true(wait_until(greets, d, 30));
}

static void log_in(struct dovecot *d, int i)
{
	static const char dialogue[] = "a login u secret\r\nb select INBOX\r\nc logout\r\n";

	d->clients[i] = port_connect(d->port);
	assert_true(d->clients[i] >= 0);
	assert_int_equal(send(d->clients[i], dialogue, sizeof(dialogue) - 1, 0),
			 sizeof(dialogue) - 1);
}

static bool log_says(const struct dovecot *d, const char *what)
{
	char *log = file_text(work_path(d->w, "log"));
	bool said = strstr(log, what);

	free(log);
	return said;
}

static bool first_is_in(void *arg)
{
	return log_says(arg, "Info: Login: user=<u>");
}

static bool login_has_failed(void *arg)
{
	return log_says(arg, "net_connect_unix(imap) failed: Resource temporarily unavailable");
}

static void overload(struct dovecot *d)
{
	hold_mailbox_lock(d);
	log_in(d, 0);
	assert_true(wait_until(first_is_in, d, 30));
	for (int i = 1; i < CLIENTS; i++)
		log_in(d, i);
}

static void wait_for_the_failure(struct dovecot *d)
{
	if (!wait_until(login_has_failed, d, 60)) {
		print_error("%s", file_text(work_path(d->w, "log")));
		fail_msg("no login failed");
	}
}

static void stop_dovecot(struct dovecot *d)
{
	int status;

	close(d->lock);
	for (int i = 0; i < CLIENTS; i++)
		close(d->clients[i]);
	status = proc_stop(&d->run, SIGTERM);
	assert_true(WIFEXITED(status) || WIFSIGNALED(status));
}

static json_object *process_named(json_object *r, const char *comm)
{
	json_object *list = field(r, "processes");

	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(text_of(json_object_array_get_idx(list, i), "comm"), comm))
			return json_object_array_get_idx(list, i);
	return NULL;
}

static json_object *process_of(json_object *r, int64_t pid)
{
	json_object *list = field(r, "processes");

	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (number_of(json_object_array_get_idx(list, i), "pid") == pid)
			return json_object_array_get_idx(list, i);
	return NULL;
}

static bool has_pid(json_object *site, int64_t pid)
{
	json_object *list = field(site, "pids");

	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (json_object_get_int64(json_object_array_get_idx(list, i)) == pid)
			return true;
	return false;
}

static void expect_failing_connect(const struct dovecot *d, json_object *r)
{
	json_object *login = process_named(r, "imap-login"), *imap;
	json_object *e = find_site(r, "eagain", "connect", "net_connect_unix");

	assert_non_null(login); /* the shim got through the cleaned environment */
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_string_equal(text_of(e, "severity"), "failure");
	assert_string_equal(text_of(e, "target.path"), work_path(d->w, "base/login/imap"));
	assert_true(stack_has(e, "stack", "master_auth_request_full"));
	assert_true(has_pid(e, number_of(login, "pid")));
	assert_true(number_of(e, "fate.gave_up") > 0);
	assert_string_equal(text_of(e, "evidence.listener_comm"), "imap");
	imap = process_of(r, number_of(e, "evidence.listener_pid")); /* one of them, at the end */
	assert_string_equal(text_of(imap, "comm"), "imap");
	assert_non_null(strstr(text_of(e, "sentence"), " (imap) had "));
	assert_non_null(strstr(text_of(e, "advice"), "client_limit"));
}

/* The slow side is imap: the queue before it is full, and it waits for the lock that we hold. */
static void expect_slow_imap(const struct dovecot *d, json_object *r)
{
	json_object *e = find_site(r, "eagain", "connect", "net_connect_unix");

	assert_string_equal(text_of(e, "now.role"), "listener");
	assert_string_equal(text_of(e, "now.comm"), "imap");
	assert_true(number_of(e, "now.queue") > number_of(e, "now.backlog"));
	assert_int_equal(number_of(e, "now.backlog"), number_of(e, "evidence.backlog"));
	assert_string_equal(text_of(e, "now.awaits.path"), work_path(d->w, "mail/inbox"));
	assert_int_equal(number_of(e, "now.awaits.holder_pid"), getpid());
	assert_true(now_is_in(e, number_of(e, "evidence.listener_pid"), "mbox"));
}

static void skip_without_dovecot(void)
{
	SKIP_UNLESS(installed("dovecot"), "dovecot is not installed");
	SKIP_UNLESS(!geteuid(), "dovecot changes users: only root can start it");
	SKIP_UNLESS(getpwnam("dovenull") && getpwnam("dovecot"), "no users for dovecot");
}

static void a_login_that_fails_is_explained(void **state)
{
	struct dovecot d;
	json_object *r;

	skip_without_dovecot();
	start_dovecot(*state, &d, "--wait=tree");
	overload(&d);
	wait_for_the_failure(&d);
	r = report_of(*state, work_path(*state, "s")); /* of the living session */
	expect_failing_connect(&d, r);
	expect_slow_imap(&d, r);
	json_object_put(r);
	stop_dovecot(&d);
	r = report_of(*state, work_path(*state, "s")); /* and of the finished one */
	expect_failing_connect(&d, r);
	json_object_put(r);
}

static json_object *first_rule(json_object *report)
{
	return json_object_array_get_idx(field(report, "rules"), 0);
}

static bool a_connect_waits(void *arg)
{
	const struct dovecot *d = arg;

	return rule_counter(d->w, work_path(d->w, "s"), "matched") > 0;
}

static bool all_were_in(void *arg)
{
	char *log = file_text(work_path(((struct dovecot *)arg)->w, "log"));
	int logins = 0;

	for (const char *at = log; (at = strstr(at, "Info: Login: user=<u>")); at++)
		logins++;
	free(log);
	return logins == CLIENTS;
}

/* The same load: the backlog is full until the mailbox is free. */
static void under_retry_no_login_fails(void **state)
{
	struct dovecot d;
	json_object *r;

	skip_without_dovecot();
	start_dovecot(*state, &d, "--retry=connect:path=*/login/imap:for=50s:budget=5m/5m");
	overload(&d);
	assert_true(wait_until(a_connect_waits, &d, 30));
	close(d.lock);
	d.lock = -1;
	if (!wait_until(all_were_in, &d, 60)) {
		print_error("%s", file_text(work_path(d.w, "log")));
		fail_msg("some logins are missing");
	}
	assert_false(login_has_failed(&d));
	stop_dovecot(&d);
	r = report_of(*state, work_path(*state, "s"));
	assert_true(number_of(first_rule(r), "masked") > 0);
	assert_int_equal(number_of(first_rule(r), "gave_up"), 0);
	assert_true(number_of(first_rule(r), "loop_blocked_ns") > 0); /* imap-login is one */
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(a_login_that_fails_is_explained),
		T(under_retry_no_login_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
