#!/bin/bash
# SPDX-License-Identifier: MIT
# lint.sh [DIR] - the project's own rules, each violation as "file:line: rule: cure". DIR is the tree
# (default: the one this script is in); O is the build directory for what is asked of the library.
set -u
top=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 2
build=${O:-build}
here=tests/lint
bad=0

complain() {
	echo "$1"
	bad=$((bad + 1))
}

# ---- floors ---------------------------------------------------------------------------------------
check_floors() {
	awk -v floors="$here/floors.txt" '
	function stem(p) { sub(/.*\//, "", p); sub(/\.[chS]$/, "", p); return p }
	BEGIN {
		while ((getline line < floors) > 0) {
			n = split(line, w, " ")
			if (line ~ /^#/ || n < 3) continue
			for (i = 3; i <= n; i++) floor[w[1], w[i]] = w[2]
		}
	}
	FNR == 1 {
		split(FILENAME, part, "/"); room = part[1]; me = stem(FILENAME)
		if (!((room, me) in floor))
			print FILENAME ":1: floor: not in " floors ": add it"
	}
	/^#include "/ {
		split($0, q, "\""); name = q[2]; it = stem(name)
		if (name ~ /\.\.\// || name ~ /^(shim|tools)\//)
			print FILENAME ":" FNR ": floor: " name " reaches into another room: include/ is what they share"
		else if ((room, it) in floor && it != me && floor[room, it] > floor[room, me])
			print FILENAME ":" FNR ": floor: " name " is on a higher floor: move the code down or up"
	}' $(ls shim/*.[ch] shim/arch/*.h tools/*.[ch] 2>/dev/null)
}

# ---- form -----------------------------------------------------------------------------------------
check_form() {
	awk '
	function close_function() {
		if (inside && FNR - start + 1 > 40)
			print FILENAME ":" start ": length: a function of " FNR - start + 1 " lines: split it (40 at most)"
		inside = 0
	}
	FNR == 1 {
		if ($0 !~ /SPDX-License-Identifier: MIT/)
			print FILENAME ":1: licence: first line must be the SPDX line"
		inside = 0
	}
	FNR == 2 && FILENAME ~ /^(shim|tools|include)/ && $0 !~ /^\/\*/ {
		print FILENAME ":2: opening: say what the file does, what it must not do, who calls it"
	}
	FNR == 501 { print FILENAME ":501: length: over 500 lines: split it by noun" }
	{
		columns = 0
		for (i = 1; i <= length($0); i++)
			columns = substr($0, i, 1) == "\t" ? columns + 8 - columns % 8 : columns + 1
		if (columns > 100)
			print FILENAME ":" FNR ": width: over 100 columns: break the line"
		if ($0 ~ /[ \t]+$/) print FILENAME ":" FNR ": space: at the end of the line: remove it"
		if ($0 ~ /(TO)DO|FIX(ME)|[^X]XX(X)[^X]/) print FILENAME ":" FNR ": open end: finish it or write it down in docs/"
	}
	/^\{$/ { inside = 1; start = FNR }
	/^\}/ { close_function() }
	inside && /^\t\t\t\t\t[a-z}]/ && !/^\t\t\t\t\t *[a-z_]*,/ && /(if|for|while|switch) \(/ {
		print FILENAME ":" FNR ": depth: more than three levels of indent: make a function of it"
	}' $(ls shim/*.[ch] shim/arch/*.[hS] tools/*.[ch] include/*.h tests/*/*.[ch] 2>/dev/null)
}

# ---- what shim/ must not call ---------------------------------------------------------------------
forbidden='malloc calloc realloc free printf fprintf snprintf vsnprintf puts fopen fclose fwrite abort exit
__assert_fail pthread_mutex_lock pthread_mutex_unlock pthread_create pthread_once srandom random rand
sigaction signal __tls_get_addr backtrace dladdr system popen syslog'
check_library() {
	local lib=$build/libfdwhy.so name
	if [ ! -f "$lib" ]; then
		complain "$lib: not built: make first"
		return
	fi
	local undefined
	undefined=$(nm -D --undefined-only "$lib" | awk '{ sub(/@.*/, "", $2); print $2 }')
	for name in $forbidden; do
		grep -qx "$name" <<<"$undefined" &&
			complain "$lib: forbidden: calls $name: a guest must not; use sysc.h or do without"
	done
	readelf -d "$lib" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | while read -r name; do
		case $name in
		libc.so.6 | libdl.so.2 | ld-linux*) ;;
		*) echo "$lib: needs $name: only libc may be needed" ;;
		esac
	done
	# Exports: the rows of calls.def, all of them, and fdwhy_*.
	local rows
	rows=$(printf '#define CALL_IO(n, ...) n;\n#define CALL_FD(n, ...) n;\n#define CALL_WAIT(n, ...) n;\n#define SPECIAL(n, ...) n;\n#define ALIAS(a, n) a;\n#define SPECIAL_ALIAS(a, n) a;\n#include "calls.def"\n' |
		${CC:-cc} -E -P -Iinclude -xc - | tr -d '; ' | grep .)
	local exported
	exported=$(nm -D --defined-only "$lib" | awk '{ print $3 }')
	for name in $exported; do
		grep -qx "$name" <<<"$rows" || [[ $name == fdwhy_* ]] ||
			complain "$lib: export: $name is no row of calls.def: hide it"
	done
	for name in $rows; do
		grep -qx "$name" <<<"$exported" ||
			complain "include/calls.def: export: $name is not in the library: write its wrapper"
	done
}

found=$(check_floors; check_form)
[ -n "$found" ] && echo "$found" && bad=$(wc -l <<<"$found")
[ -n "${LINT_TREE_ONLY:-}" ] || check_library
if [ "$bad" -gt 0 ]; then
	echo "lint: $bad violations"
	exit 1
fi
echo "lint: clean"
