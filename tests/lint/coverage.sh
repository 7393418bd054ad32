#!/bin/bash
# SPDX-License-Identifier: MIT
# coverage.sh [--write] - docs/coverage.md with the tables that include/calls.def has now. Without --write:
# says whether the page is that already (exit 1 when not). Called by lint.sh and by `make coverage`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
page=docs/coverage.md
[ -e "$page" ] && [ -e include/calls.def ] || exit 0
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
{
	sed '/^<!-- made by: make coverage -->$/q' "$page"
	echo
	awk -f "$here/coverage.awk" include/calls.def
	echo
	sed -n '/^<!-- end -->$/,$p' "$page"
} >"$tmp"
if [ "${1:-}" = --write ]; then
	cat "$tmp" >"$page"
elif ! cmp -s "$tmp" "$page"; then
	echo "$page:1: not the rows of include/calls.def: run make coverage"
	exit 1
fi
