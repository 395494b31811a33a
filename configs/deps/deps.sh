#!/bin/sh
# deps.sh LIST... - installs the Debian packages in the lists that are missing
# (one a line, "#" begins a comment). As an ordinary user it only names them
# and the command to run, and exits 1. Touches apt only if something is missing.
set -eu

missing= total=0
names=$(sed 's/#.*//' "$@")
for package in $names; do
	total=$((total + 1))
	case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
	ii*) ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -z "$missing" ]; then
	echo "deps: all $total packages present"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: missing:$missing" >&2
	echo "deps: run as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive

# Runs apt-get quietly, with a sign of life every 10 s; its output on failure.
apt() {
	started=$(date +%s)
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
		>"$log" 2>&1 </dev/null &
	child=$!
	# If we are ended, apt-get is too.
	trap 'kill $child 2>/dev/null; exit 130' INT TERM HUP
	while kill -0 $child 2>/dev/null; do
		seconds=$(($(date +%s) - started))
		if [ $seconds -gt 0 ] && [ $((seconds % 10)) -eq 0 ]; then
			echo "deps: $seconds s: $(tail -n 1 "$log" | cut -c 1-60)"
		fi
		sleep 1
	done
	if ! wait $child; then
		cat "$log" >&2
		echo "deps: apt-get $1 failed" >&2
		exit 1
	fi
}

echo "deps: refreshing the package lists"
apt update
echo "deps: installing$missing"
# shellcheck disable=SC2086 # a list of names
apt install --no-install-recommends $missing
echo "deps: installed"
