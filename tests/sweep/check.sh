#!/bin/bash
# SPDX-License-Identifier: MIT
# check.sh - fails each call of the test suite of a small library once: fetches the Debian source package
# of tinycdb into $O/sweep, builds it, sweeps its `make test`. Nothing may crash, hang or leak.
set -u
mkdir -p "${O:=build}/sweep"
top=$(cd "$O/sweep" && pwd)
fdwhy=$(cd "$O" && pwd)/fdwhy
. "$(dirname "$0")/../apt-source.sh"

cd "$top" || exit 1
if ! ls -d tinycdb-*/ >/dev/null 2>&1; then
	{ lists_once && apt source tinycdb; } >log 2>&1 || {
		echo "skip: the source of tinycdb cannot be fetched (see $top/log)"
		exit 0
	}
fi
cd tinycdb-*/ && make -s CFLAGS='-g -O1' cdb >>../log 2>&1 || exit 1
for options in --errors=all --depth=2; do
	rm -rf fdwhy-sweep
	echo "fdwhy sweep $options --where='exe=*/cdb' -- make -s test"
	"$fdwhy" sweep $options --where='exe=*/cdb' -- make -s test || exit
done
