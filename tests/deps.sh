#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh WHAT PACKAGE... - install the Debian packages that are missing (with sudo when not root).
set -u
what=$1
shift
if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "fdwhy: not a Debian system; what $what needs, by Debian's names: $*" >&2
	exit 0
fi
missing=
for p in "$@"; do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
sudo=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "fdwhy: missing packages and no sudo; as root: apt-get install$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
# Daemons from packages must not start by themselves: tests start their own.
if [ ! -e /usr/sbin/policy-rc.d ] && [ "$what" != build ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
	$sudo chmod 755 /usr/sbin/policy-rc.d
	trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
log=$(mktemp)
if { $sudo apt-get update && $sudo apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	rm -f "$log"
else
	tail -n 20 "$log" >&2
	rm -f "$log"
	echo "fdwhy: could not install:$missing" >&2
	exit 1
fi
