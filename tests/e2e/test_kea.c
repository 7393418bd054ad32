/* SPDX-License-Identifier: MIT */
/*
 * test_kea.c - two Kea DHCP servers are given the same control socket: the second cannot lock
 * "<socket>.lock". The report names the file and the first server, which runs without the shim.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "harness.h"

static const char config[] =
	"{ \"Dhcp4\": {\n"
	" \"interfaces-config\": { \"interfaces\": [ ] },\n"
	" \"control-socket\": { \"socket-type\": \"unix\", \"socket-name\": \"%s/ctl\" },\n"
	" \"lease-database\": { \"type\": \"memfile\", \"persist\": false },\n"
	" \"loggers\": [ { \"name\": \"kea-dhcp4\", \"severity\": \"INFO\",\n"
	"   \"output_options\": [ { \"output\": \"stdout\", \"flush\": true } ] } ],\n"
	" \"subnet4\": [ ] } }\n";

struct kea {
	char conf[512], pids[600], locks[600], port[16];
	char *env[3];
};

/* A configuration and directories of its own; the control socket is shared. */
static void kea_prepare(const struct work *w, struct kea *k, const char *name)
{
	const char *dir = work_path(w, name);

	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(k->conf, sizeof(k->conf), "%s/kea.conf", dir);
	snprintf(k->pids, sizeof(k->pids), "KEA_PIDFILE_DIR=%s", dir);
	snprintf(k->locks, sizeof(k->locks), "KEA_LOCKFILE_DIR=%s", dir);
	snprintf(k->port, sizeof(k->port), "%d", port_free());
	file_write(k->conf, config, w->dir);
	k->env[0] = k->pids;
	k->env[1] = k->locks;
	k->env[2] = NULL;
}

static bool has_started(void *arg)
{
	char *out = file_text(((struct proc *)arg)->out);
	bool started = strstr(out, "DHCP4_STARTED");

	free(out);
	return started;
}

static struct proc start_first(const struct work *w, struct kea *k)
{
	char *argv[] = {"kea-dhcp4", "-p", k->port, "-c", k->conf, NULL};
	struct proc p;

	kea_prepare(w, k, "first");
	p = proc_start(w, argv, k->env);
	if (!wait_until(has_started, &p, 30)) {
		print_error("%s%s", file_text(p.out), file_text(p.err));
		fail_msg("kea-dhcp4 does not start");
	}
	return p;
}

static bool second_waits(void *arg)
{
	return rule_counter(arg, work_path(arg, "s"), "matched") > 0;
}

/* The second waits for the lock instead, and takes over when the first ends. */
static void under_retry_the_second_takes_over(void **state)
{
	struct work *w = *state;
	struct kea one, two;
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-q",
			"--retry=flock:path=*/ctl.lock:for=1h:budget=1h",
			"-o",
			ARG(work_path(w, "s")),
			"--",
			"kea-dhcp4",
			"-p",
			two.port,
			"-c",
			two.conf,
			NULL};
	struct proc first, second;

	SKIP_UNLESS(installed("kea-dhcp4"), "kea-dhcp4 is not installed");
	first = start_first(w, &one);
	kea_prepare(w, &two, "second");
	second = proc_start(w, argv, two.env);
	assert_true(wait_until(second_waits, w, 60));
	assert_int_equal(proc_stop(&first, SIGTERM), 0);
	assert_true(wait_until(has_started, &second, 60));
	proc_stop(&second, SIGTERM);
	assert_int_equal(rule_counter(w, work_path(w, "s"), "masked"), 1);
}

static void fail_second(const struct work *w, struct kea *k)
{
	char *argv[] = {"kea-dhcp4", "-p", k->port, "-c", k->conf, NULL};
	struct proc p;
	char *out;

	kea_prepare(w, k, "second");
	p = fdwhy_start(w, work_path(w, "s"), argv, k->env);
	assert_int_not_equal(proc_wait(&p), 0);
	out = file_text(p.out);
	assert_non_null(strstr(out, "Resource temporarily unavailable"));
	free(out);
}

/* In C++ names carry their arguments. */
static bool stack_mentions(json_object *site, const char *part)
{
	json_object *stack = field(site, "stack");

	for (size_t i = 0; stack && i < json_object_array_length(stack); i++)
		if (strstr(text_of(json_object_array_get_idx(stack, i), "function"), part))
			return true;
	return false;
}

static void the_holder_of_the_control_socket_is_named(void **state)
{
	const struct work *w = *state;
	struct kea one, two;
	struct proc first;
	json_object *r, *e;

	SKIP_UNLESS(installed("kea-dhcp4"), "kea-dhcp4 is not installed");
	first = start_first(w, &one);
	fail_second(w, &two);
	r = report_of(w, work_path(w, "s"));
	e = find_site(r, "eagain", "flock", NULL);
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "lock-held");
	assert_string_equal(text_of(e, "severity"), "failure");
	assert_string_equal(text_of(e, "target.path"), work_path(w, "ctl.lock"));
	assert_int_equal(number_of(e, "evidence.holder_pid"), first.pid);
	assert_string_equal(text_of(e, "evidence.holder_comm"), "kea-dhcp4");
	assert_non_null(strstr(text_of(e, "evidence.holder_cmdline"), one.conf));
	assert_string_equal(text_of(e, "evidence.holder_mode"), "exclusive");
	assert_true(stack_mentions(e, "openCommandSocket"));
	assert_non_null(strstr(text_of(e, "sentence"), "pid "));
	assert_non_null(strstr(text_of(e, "sentence"), one.conf));
	assert_non_null(strstr(text_of(e, "sentence"), ", which started "));
	assert_non_null(strstr(text_of(e, "advice"), "control-socket"));
	/* The first has no shim; it sits in its loop. */
	assert_string_equal(text_of(e, "now.role"), "holder");
	assert_true(now_is_in(e, first.pid, "IfaceMgr::receive4"));
	json_object_put(r);
	assert_int_equal(proc_stop(&first, SIGTERM), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(the_holder_of_the_control_socket_is_named),
		T(under_retry_the_second_takes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
