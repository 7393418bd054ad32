# SPDX-License-Identifier: MIT
# apt-source.sh - sourced: `lists_once` and `apt source PACKAGE`, as any user, all below $top/apt.

# Source lists of our own, from the Debian ones of this machine: nothing of the system is changed.
lists() {
	local code
	code=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mkdir -p "$top/apt/lists/partial" "$top/apt/cache/archives/partial" "$top/apt/parts"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -e "$f" ] && awk -v RS= -v code="$code" \
			'$0 ~ "Suites:[^\n]*" code { gsub(/Types:[^\n]*/, "Types: deb-src"); print $0 "\n" }' "$f"
	done >"$top/apt/parts/debian.sources"
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n "s/^deb \(.*[ \/]$code[- ].*\)/deb-src \1/p" >"$top/apt/parts/debian.list"
	apt update
}
lists_once() {
	[ -e "$top/apt/ready" ] && return
	mkdir -p "$top/apt"
	lists >"$top/apt/log" 2>&1 && touch "$top/apt/ready"
}
apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$top/apt/parts" \
		-o "Dir::State::lists=$top/apt/lists" -o "Dir::Cache=$top/apt/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}
