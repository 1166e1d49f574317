#!/bin/sh
# A gate that asks a monitoring service over HTTP, and is red unless the answer has a status below 400. The argument is the URL.
# The variable MONITOR_TOKEN has the API key, so that it is in no argument and in no file.
#
#     MONITOR_TOKEN=… v2token apply --gate 'sh examples/gates/http-check.sh https://monitor.example.com/api/health'
set -eu
printf 'header = "Authorization: Bearer %s"\n' "$MONITOR_TOKEN" |
    curl --fail --silent --show-error --max-time 60 --config - --output /dev/null "$1"
