#!/bin/bash
# SPDX-License-Identifier: MIT
# selftest.sh WHAT - a suite whose outcomes are known, for the test of run.sh itself.
set -u
say() { printf '%s\t%s\n' "$1" "$2" >>"$OUT"; }
# shellcheck disable=SC2086
case $1 in
same) say fds "ok, $($UNDER ls /proc/self/fd | tr '\n' ' ')" ;;
differs)
	say true ok
	say preload "ok, $($UNDER sh -c 'echo ${LD_PRELOAD+set}')"
	;;
missing)
	$UNDER true
	say always ok
	[ -n "$UNDER" ] || say 'without only' ok
	;;
once) # the first time only: a flaky test
	say fds "ok, $($UNDER ls /proc/self/fd | tr '\n' ' ')"
	[ -e "$ONCE" ] && say flaky ok || say flaky failed
	: >"$ONCE"
	;;
unrecorded) say true ok ;;
fails) $UNDER false ;;
esac
