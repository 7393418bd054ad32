#!/bin/sh
# SPDX-License-Identifier: MIT
# run-demo.sh [COMMAND] - run COMMAND, or the demonstration mail hub, under fdwhy; then its report.
# O is the build directory.
set -u
build=${O:-build}
dir=$(mktemp -d "${TMPDIR:-/tmp}/fdwhy-demo.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' TERM
trap : INT # Ctrl-C ends the command; the report is what follows
if [ -n "${1:-}" ]; then
	echo "fdwhy run -- $*"
	"$build/fdwhy" run -q -o "$dir/session" -- sh -c "$*"
	status=$?
else
	echo "fdwhy run -- mailhub    (a small mail hub that fails in four ways and leaks; 3 seconds)"
	"$build/fdwhy" run -q -o "$dir/session" -- "$build/targets/mailhub"
	status=$?
fi
[ -d "$dir/session" ] || exit $status
echo "fdwhy report"
echo
"$build/fdwhy" report "$dir/session"
exit $status
