#!/usr/bin/env bash
# Makes the pictures of the page: runs an apply over the simulated Organization, takes screenshots of its page with Chromium, and
# reduces them with pngquant.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --package v2token --package v2token-simulator
target=${CARGO_TARGET_DIR:-target}/debug
work=$(mktemp -d)
"$target/v2token-simulator" --accounts 400 --realistic --latency-ms 20,40,60 --sts-rate 30 >"$work/organization" &
simulator=$!
trap 'kill "$simulator"; rm -rf "$work"' EXIT
until grep -q '^export' "$work/organization"; do sleep 0.1; done

(
    eval "$(grep '^export' "$work/organization")"
    # Some accounts fail on purpose, so the exit code is 3.
    "$target/v2token" apply --yes --max-errors 100% --no-progress --output none --run-dir "$work/run" || test $? = 3
)

picture() { # name, page
    chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$work/$1" --hide-scrollbars \
        --window-size=1200,1800 --screenshot="$work/$1.png" "file://$2" 2>/dev/null
    pngquant --force --speed 1 --output "docs/pictures/$1.png" 32 "$work/$1.png"
}

picture page-light "$work/run/report.html"
sed 's/<html lang="en">/<html lang="en" data-theme="dark">/' "$work/run/report.html" >"$work/dark.html"
picture page-dark "$work/dark.html"
