#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh [SUITE...] - run foreign programs' tests bare and under `fdwhy run`, compare each outcome.
#
# A suite is a line of tests/foreign/suites: a name, seconds allowed, a script of this directory and
# its arguments. The script runs in an empty directory and appends "test<TAB>outcome" lines to $OUT;
# $UNDER is empty, or what to put before the one command that is to be recorded. Whatever differs is
# run again, both sides, up to $TRIES times in all: what differs each time fails, the rest is flaky.
# Leaves the outcomes and a table in $O/foreign.
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/tests/foreign
build=$(realpath "${O:-build}")
results=$build/foreign
tries=${TRIES:-3}
work=$(mktemp -d "${TMPDIR:-/tmp}/fdwhy-foreign.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"
export LC_ALL=C.UTF-8 HERE=$here BUILD=$build
unset XDG_RUNTIME_DIR
# Only 0, 1 and 2 go on to the suites, whatever this was started with.
for fd in /proc/$$/fd/*; do
	fd=${fd##*/}
	[ "$fd" -gt 2 ] && [ "$fd" -ne 255 ] && eval "exec $fd>&-"
done

# side NAME SIDE SECONDS COMMAND... - one run; outcomes to $work/NAME.SIDE
side() {
	local name=$1 side=$2 seconds=$3 rc start=$SECONDS
	shift 3
	local dir=$work/t session=$work/s
	rm -rf "$dir" "$session"
	mkdir -m 1777 "$dir"
	: >"$work/$name.$side"
	export OUT=$work/$name.$side UNDER=
	[ "$side" = with ] && UNDER="$build/fdwhy run -q -o $session --"
	(cd "$dir" && TMPDIR=$dir exec timeout -k 10 "$seconds" "$here/$1" "${@:2}") \
		</dev/null >"$work/log" 2>&1
	rc=$?
	mv "$work/log" "$results/$name.$side.log"
	[ $rc -eq 0 ] || printf 'the whole suite\tended with %s\n' $rc >>"$OUT"
	sort -o "$OUT" "$OUT"
	cp "$OUT" "$results/$name.$side"
	took[$side]=$((SECONDS - start))
	[ "$side" = with ] || return 0
	# Two bare runs would always agree: was anything recorded?
	recorded=$("$build/fdwhy" report "$session" 2>&1 | sed -n 's/^\([0-9]*\) process.*/\1/p' | head -n 1)
}

# differing NAME - names of the tests whose outcomes are not the same
differing() {
	diff "$work/$1.without" "$work/$1.with" | sed -n 's/^[<>] //p' | cut -f1 | sort -u
}

# counts FILE - "580 ok, 137 skipped"
counts() {
	cut -f2 "$1" | sed 's/^\(ok\|skipped\|failed\|error\|expected failure\).*/\1/
		/^\(ok\|skipped\|failed\|error\|expected failure\)$/!s/.*/other/' | sort | uniq -c |
		sort -rn | sed 's/^ *//' | paste -sd, | sed 's/,/, /g'
}

suite() {
	local name=$1 try=1 repeats flaky differ same note=
	declare -A took
	local recorded=
	side "$name" without "${@:2}"
	side "$name" with "${@:2}"
	repeats=$(differing "$name")
	flaky=$repeats
	while [ -n "$repeats" ] && [ $try -lt "$tries" ]; do
		try=$((try + 1))
		side "$name" without "${@:2}"
		side "$name" with "${@:2}"
		repeats=$(comm -12 <(echo "$repeats") <(differing "$name"))
	done
	flaky=$(comm -23 <(echo "$flaky") <(echo "$repeats"))
	differ=$(grep -c . <<<"$repeats")
	same=$(($(cut -f1 "$work/$name.without" "$work/$name.with" | sort -u | wc -l) - differ))
	[ $try -gt 1 ] && note="; run $try times, differed once but not always: $(paste -sd' ' <<<"${flaky:-nothing}")"
	[ "${recorded:-0}" -gt 0 ] || note="$note; NOTHING WAS RECORDED"
	[ "$same" -gt 0 ] || note="$note; NO OUTCOMES"
	echo "$name: $same same, $differ differ ($(counts "$work/$name.with")); ${took[without]} s without, ${took[with]} s with, $recorded processes recorded$note"
	echo "| $name | $(counts "$work/$name.without") | $(counts "$work/$name.with") | $same | $differ |" >>"$results/table.md"
	[ "$differ" -gt 0 ] && while read -r t; do
		for s in without with; do
			grep -F "$t	" "$work/$name.$s" | sed "s/^/    $s: /" || echo "    $s: $t not run"
		done
	done <<<"$repeats"
	case "$note" in *NO*) return 1 ;; esac
	[ "$differ" -eq 0 ]
}

bad=0 ran=0
printf '| suite | without | with | same | differ |\n|---|---|---|---|---|\n' >"$results/table.md"
while read -r name rest; do
	case "$name" in '' | '#'*) continue ;; esac
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	ran=$((ran + 1))
	# shellcheck disable=SC2086
	suite "$name" $rest || bad=$((bad + 1))
done <"${SUITES_FILE:-$here/suites}"
echo "$ran suites, $bad with differences"
[ $bad -eq 0 ] && [ $ran -gt 0 ]
