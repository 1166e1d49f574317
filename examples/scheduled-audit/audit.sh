#!/bin/sh
# Reads the version of every account, keeps the run under the name of this month, and compares it with the latest earlier month.
# The exit code is that of the plan: 0 all accounts are on the wanted version, 4 some are not, 3 some could not be read, 6 both.
set -eu
cd "${AUDITS:-/var/lib/v2token-audits}"

month=$(date -u +%Y-%m)
# The folders come in the order of their names.
before=
for audit in ????-??; do
    if [ -d "$audit" ] && [ "$audit" != "$month" ]; then before=$audit; fi
done
if [ -e "$month/report.csv" ]; then
    echo "the audit of $month exists already: $PWD/$month" >&2
    exit 0
fi

code=0
v2token plan --detailed-exitcode --output none --run-dir "$month" || code=$?
case $code in
    0 | 3 | 4 | 6) ;;
    *) exit "$code" ;;
esac
if [ -n "$before" ]; then
    v2token report "$month" --against "$before" --output table --report "$month/since-$before.md"
fi
exit "$code"
