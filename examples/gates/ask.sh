#!/bin/sh
# A gate that asks a person on the terminal. Give it time, and answer y to go on.
#
#     v2token apply --gate 'sh examples/gates/ask.sh' --gate-timeout 8h
set -eu
printf 'Wave %s of %s: %s changed, %s failed, %s unverified so far. Go on? [y/N] ' \
    "$GATE_WAVE" "$GATE_WAVES" "$GATE_CHANGED" "$GATE_FAILED" "$GATE_UNVERIFIED" >/dev/tty
read -r answer </dev/tty
test "$answer" = y
