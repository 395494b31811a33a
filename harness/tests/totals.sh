#!/bin/sh
# Adds up the test runners' counts ("passed failed skipped" a line) and prints
# the total as the last line; fails if a test failed or none ran.
set -eu
[ -s "$1" ] || { echo "no test ran" >&2; exit 1; }
awk '{ passed += $1; failed += $2; skipped += $3 }
END {
	printf "%d passed, %d failed", passed, failed
	if (skipped) printf ", %d skipped", skipped
	printf "\n"
	exit (failed > 0 || passed == 0)
}' "$1"
