#!/bin/bash
# SPDX-License-Identifier: MIT
# symbols.sh SO OBJECTS-DIR - what the shim exports, what it takes from libc, what it makes the
# dynamic linker do. Prints "file: rule: cure"; exit 1 when there was anything. Called by lint.sh.
set -u
so=$1 objects=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
fail() { echo "$1"; bad=1; }

rows() {
	printf '#define %s(n, ...) n;\n' CALL_IO CALL_FD CALL_WAIT CALL_TRY SPECIAL ALIAS SPECIAL_ALIAS
	echo '#include "calls.def"'
}
rows | ${CC:-cc} -E -P -Iinclude -xc - | tr -d '; ' | sed '/^$/d' | sort -u >"$tmp/rows"
nm -D --defined-only "$so" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u >"$tmp/exports"
# The one other name is asked for by a sanitizer's runtime: shim/asan.c says why.
grep -v '^fdwhy_\|^__asan_default_options$' "$tmp/exports" >"$tmp/foreign"

for s in $(comm -13 "$tmp/rows" "$tmp/foreign"); do
	fail "$so: exports $s, which is no row: make it static or hidden, or add it to include/calls.def"
done
for s in $(comm -23 "$tmp/rows" "$tmp/exports"); do
	fail "include/calls.def: row $s is not exported: write its wrapper with EXPORT"
done

# What this object may take: cure of a forbidden name, or nothing when it is allowed.
verdict() { # NAME OBJECT
	awk -v name="$1" -v object="$2" '
		/^#/ || NF < 2 { next }
		FILENAME ~ /allowed/ {
			if ($1 == name && ($2 == "*" || index("," $2 ",", "," object ",")))
				ok = 1
			next
		}
		!cure && name ~ "^(" $1 ")$" { $1 = ""; cure = $0 }
		END { if (!ok) print cure ? cure : " not in tests/lint/libc-allowed.txt for this file: " \
			"raw system calls are in sysc.h; add it only if it is async-signal-safe" }
	' "$here/libc-allowed.txt" "$here/libc-forbidden.txt"
}

find "$objects" -name '*.o' | sort >"$tmp/objects"
xargs -r nm --defined-only <"$tmp/objects" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$tmp/own"
while read -r o; do
	name=$(basename "$o" .o)
	nm -u "$o" | awk '$1 == "U" || $1 == "w" { print $2 }' | grep -v '^_GLOBAL_OFFSET_TABLE_$' |
		sort -u | comm -23 - "$tmp/own" >"$tmp/need"
	while read -r s; do
		why=$(verdict "$s" "$name")
		[ -n "$why" ] && fail "shim/$name.c:1: uses $s:$why"
	done <"$tmp/need"
done <"$tmp/objects"

for lib in $(readelf -dW "$so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
	case $lib in
	libc.so.6 | libdl.so.2 | ld-linux*.so.*) ;;
	*) fail "$so: needs $lib: a guest brings no libraries of its own" ;;
	esac
done
readelf -rW "$so" | grep -Eq 'DTPMOD|TLSDESC|__tls_get_addr' &&
	fail "$so: thread-local data through a call: declare it THREAD (initial-exec)"
readelf -dW "$so" | grep -q TEXTREL &&
	fail "$so: text relocations: build every object with -fPIC"
readelf -lW "$so" | grep -E 'GNU_STACK' | grep -q 'RWE' &&
	fail "$so: executable stack: end each .S with .section .note.GNU-stack"
# Each is work of every start, and a page with some in it a page of every process's own.
n=$(readelf -rW "$so" | grep -c 'R_[A-Z0-9_]*RELATIVE')
[ "$n" -gt 200 ] &&
	fail "$so: $n addresses to relocate at each start, 200 may be: names in tables are char[], not pointers"
exit $bad
