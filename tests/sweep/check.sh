#!/bin/bash
# SPDX-License-Identifier: MIT
# check.sh - fails each call of the test suite of a small library once: fetches the Debian source package
# of tinycdb into $O/sweep, builds it, sweeps its `make test`. Nothing may crash, hang or leak.
set -u
mkdir -p "${O:=build}/sweep"
top=$(cd "$O/sweep" && pwd)
fdwhy=$(cd "$O" && pwd)/fdwhy
lists=$top/apt
mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$lists/parts"

# Source lists of our own, from the Debian ones of this machine: nothing of the system is changed.
code=$(. /etc/os-release && echo "$VERSION_CODENAME")
for f in /etc/apt/sources.list.d/*.sources; do
	[ -e "$f" ] && awk -v RS= -v code="$code" \
		'$0 ~ "Suites:[^\n]*" code { gsub(/Types:[^\n]*/, "Types: deb-src"); print $0 "\n" }' "$f"
done >"$lists/parts/debian.sources"
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
	sed -n "s/^deb \(.*[ \/]$code[- ].*\)/deb-src \1/p" >"$lists/parts/debian.list"
apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$lists/parts" \
		-o "Dir::State::lists=$lists/lists" -o "Dir::Cache=$lists/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

cd "$top" || exit 1
if ! ls -d tinycdb-*/ >/dev/null 2>&1; then
	{ apt update && apt source tinycdb; } >log 2>&1 || {
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
