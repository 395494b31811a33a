#!/bin/sh
# parsers.sh FOLDER - fetches the parsers that package-lock.json names (versions and
# integrity) into FOLDER, and bundles workflow.mjs there. Exit status 77, with the reason
# as last line: this host cannot, so tests that need them are skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1

skip() {
	echo "$1"
	exit 77
}

command -v npm >/dev/null || skip "npm is not on this host"
major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 18 ] || skip "node $major is older than 18"
mkdir -p "$folder"
# A stamp, so that it is fetched once.
stamp=$(cat "$here/package-lock.json" "$here/workflow.mjs" | cksum)
if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
rm -f "$folder/stamp"
cp "$here/package.json" "$here/package-lock.json" "$here/workflow.mjs" "$folder/"
cd "$folder"
# What cannot be reached is skipped; what is reached and not what the lock says is not.
if ! npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 >npm.log 2>&1; then
	if grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|E403|E50[0-9]' npm.log; then
		skip "the npm registry cannot be reached"
	fi
	cat npm.log >&2
	exit 1
fi
node_modules/.bin/esbuild workflow.mjs --bundle --platform=node --outfile=workflow.cjs \
	--log-level=warning
echo "$stamp" >stamp
