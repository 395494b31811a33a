#!/bin/sh
# webhook.sh - hook of `kerngate nightly`: posts the verdict that comes on standard input to
# $KERNGATE_WEBHOOK_URL, as {"text": ...}, which Slack, Mattermost and others take. Without
# that variable it does nothing. Needs jq and curl.
set -eu

if [ -z "${KERNGATE_WEBHOOK_URL:-}" ]; then
	exit 0
fi
message=$(jq -c '{text: ((if .status == 0 then "" else "**" + .verdict + "** " end) + .summary
	+ ([.events[] | "\n" + .state + ": " + .variant + " " + .row + "." + .metric
		+ (if .culprit then " by " + .culprit else "" end)] | join("")))}')

# The address is a secret: not an argument, which others can read in /proc.
printf '%s' "$message" | curl --config /dev/fd/3 3<<-CONFIG
	url = "$KERNGATE_WEBHOOK_URL"
	data-binary = "@-"
	header = "Content-Type: application/json"
	fail
	silent
	show-error
	max-time = 30
CONFIG
