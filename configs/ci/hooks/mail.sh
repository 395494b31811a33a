#!/bin/sh
# mail.sh ADDRESS... - hook of `kerngate nightly`: mails the verdict that comes on standard
# input, but not of a night that passed. Needs jq and a sendmail (msmtp, Postfix ...); with
# one that is setgid the service must not have NoNewPrivileges (docs/ci.md).
set -eu

if [ $# -eq 0 ]; then
	echo "mail.sh: expected at least one address" >&2
	exit 64
fi
verdict=$(cat)
status=$(printf '%s' "$verdict" | jq -e .status)
if [ "$status" -eq 0 ]; then
	exit 0
fi

# A header is one line, whatever a name in it holds.
subject=$(printf '%s' "$verdict" | jq -r '"kerngate " + .campaign + ": " + .verdict' |
	tr -d '[:cntrl:]' | cut -c 1-200)
to=$(printf '%s, ' "$@")
text=$(printf '%s' "$verdict" | jq -r '
	.summary,
	(if .failure then "\nfailure: " + .failure else empty end),
	(.events[] | "\n" + .state + ": " + .variant + " " + .guest + "/" + .suite + " "
		+ .row + "." + .metric
		+ (if .ratio then " x " + (.ratio * 10000 | round / 10000 | tostring) else "" end)
		+ (if .culprit then "\n  by " + .culprit else "" end)
		+ (if .reason then "\n  " + .reason else "" end)),
	(.notes[] | "\nnote: " + .),
	(if .report then "\nreport: " + .report else empty end)')

"${SENDMAIL:-/usr/sbin/sendmail}" -i -t <<-MAIL
	To: ${to%, }
	Subject: $subject
	MIME-Version: 1.0
	Content-Type: text/plain; charset=UTF-8
	Auto-Submitted: auto-generated

	$text
MAIL
