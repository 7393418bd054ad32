#!/bin/bash
# SPDX-License-Identifier: MIT
# lint.sh [DIR] - the rules of the source that a program can check, over the tree in DIR (default: this
# one). Prints "file:line: rule: cure", exit 1 when there was anything. O=dir: where libfdwhy.so is;
# without it, what needs the built library is skipped and said. clang-format is only advice.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
so=${O:-build}/libfdwhy.so

if [ -e .git ]; then
	git ls-files -co --exclude-standard
else
	find . -type f | sed 's|^\./||'
fi | while read -r f; do [ -f "$f" ] && echo "$f"; done | sort -u >"$tmp/files.list"

c_files=$(grep -E '^(include|common|shim|tools|tests|examples)/.*\.(c|h|def)$' "$tmp/files.list")
floor_files=$(grep -E '^(include|common|shim|tools)/.*\.(c|h|def)$' "$tmp/files.list")
texts=$(grep -E '(^|/)(Makefile|README|LICENSE|CHANGELOG)|\.(c|h|S|def|sh|awk|py|md|txt|[1-8]|yml)$|^\.ci/' \
	"$tmp/files.list" | grep -v '^tests/lint/')

styles() {
	for f in $c_files; do awk -f "$here/style.awk" "$f"; done
}

floors() {
	# shellcheck disable=SC2086
	awk -f "$here/floors.awk" "$here/floors.txt" "$tmp/files.list" $floor_files
}

# Scripts and assembly: licence in the first lines, no tabs-and-columns rules of C.
licences() {
	grep -E '\.(sh|awk|S|py)$|(^|/)Makefile$|^\.ci/' "$tmp/files.list" | while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
			echo "$f:1: no licence: name it in the first three lines (SPDX-License-Identifier: MIT)"
	done
}

# Paths of one person's machine, and marks of work and merges left.
traces() {
	[ -n "$texts" ] || return
	# shellcheck disable=SC2086
	grep -nE '(^|[^A-Za-z0-9_.$}])/(Users|home/[a-z]+)/' /dev/null $texts |
		sed -E 's/^([^:]*:[0-9]*):.*/\1: a path of one machine: use a relative path or a variable/'
	# shellcheck disable=SC2046
	grep -nE '(^|[^A-Za-z])(TODO|FIXME)([^A-Za-z]|$)' /dev/null $(echo "$texts" | grep -vE '\.(c|h|def)$') |
		sed -E 's/^([^:]*:[0-9]*):.*/\1: work left to do: do it, or say in the docs what is missing/'
	# shellcheck disable=SC2086
	grep -nE '^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)( |$)' /dev/null $texts |
		sed -E 's/^([^:]*:[0-9]*):.*/\1: two sides of a merge: choose/'
}

symbols() {
	if [ ! -e "$so" ]; then
		echo "lint: skip: no $so: symbols are not checked" >&2
	else
		bash "$here/symbols.sh" "$so" "${O:-build}/shim"
	fi
}

advice() {
	command -v clang-format >/dev/null 2>&1 && [ -e .clang-format ] || return
	# shellcheck disable=SC2086
	n=$(for f in $(echo "$c_files" | grep -v '\.def$'); do
		clang-format --dry-run -Werror "$f" >/dev/null 2>&1 || echo "$f"
	done | wc -l)
	[ "$n" -eq 0 ] || echo "lint: advice: clang-format would change $n files"
}

# Each way in which preloaded libraries broke programs in the field has a test with its number.
pitfalls() {
	[ -e tests/e2e/test_pitfalls.c ] || return
	grep -rhoE 'void pitfall_[0-9a-z_]+' tests/e2e tests/unit | tr '_' '\n' | grep -E '^[0-9]+$' | sort -un >"$tmp/pitfalls"
	seq 1 33 | grep -vxFf "$tmp/pitfalls" |
		sed 's|.*|tests/e2e/test_pitfalls.c:1: pitfall & has no test: name one pitfall_&_...|'
}

# What the README says of costs is what docs/bench.md says.
figures() {
	local from='<!-- figures: ' to='<!-- end of figures' f
	[ -e docs/bench.md ] || return
	for f in README.md docs/bench.md; do
		sed -n "/^$from/,/^$to/p" $f | sed 's|](docs/bench.md)|](bench.md)|' >"$tmp/figures.$(basename $f)"
	done
	[ -s "$tmp/figures.bench.md" ] && cmp -s "$tmp/figures.README.md" "$tmp/figures.bench.md" ||
		echo "README.md:1: its figures are not those of docs/bench.md: run tests/bench/bench.sh --doc"
}

{
	styles
	figures
	pitfalls
	floors
	licences
	traces
	symbols
	bash "$here/coverage.sh"
} >"$tmp/found"
cat "$tmp/found"
if [ -s "$tmp/found" ]; then
	echo "lint: $(wc -l <"$tmp/found") found" >&2
	exit 1
fi
[ -n "${ADVICE:-}" ] && advice
if [ $# -eq 0 ]; then
	bash "$here/test-lint.sh" || exit 1
	echo "lint: $(echo "$c_files" | wc -l) C files, floors, symbols: all well"
fi
