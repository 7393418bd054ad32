#!/bin/bash
# SPDX-License-Identifier: MIT
# run-tests.sh PROGRAM... - run cmocka programs, show their summaries, count, exit 1 on a failure.
# A program that dies without a summary counts as one failed test.
set -u
export FDWHY_BUILD=${O:-build}
passed=0 failed=0 skipped=0 bad=
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for t in "$@"; do
	echo "== ${t##*/}"
	start=$SECONDS
	timeout -k 10 "${TEST_TIMEOUT:-300}" "$t" </dev/null >"$out" 2>&1
	rc=$?
	p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$out" | awk "{ n += \$1 } END { print n + 0 }")
	f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s), listed below.*/\1/p' "$out" | awk "{ n += \$1 } END { print n + 0 }")
	s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s), listed below.*/\1/p' "$out" | awk "{ n += \$1 } END { print n + 0 }")

	[ $rc -ne 0 ] && [ "$f" -eq 0 ] && f=1 && echo "exit status $rc without a summary" >>"$out"
	if [ $rc -ne 0 ] || [ -n "${V:-}" ]; then
		cat "$out"
		bad="$bad ${t##*/}"
	else
		grep -aE '^\[==========\]|^\[  (PASSED|FAILED|SKIPPED)|^skip:' "$out"
	fi
	echo "   $((SECONDS - start)) s"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
[ -n "$bad" ] && [ "$failed" -gt 0 ] && echo "failed programs:$bad"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
