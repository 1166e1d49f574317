#!/usr/bin/env bash
# Makes the picture of the terminal: runs an apply over the simulated Organization in tmux, writes the screen as HTML, takes a
# screenshot with Chromium, and reduces it with pngquant. With the arguments WIDTH text it prints the screen at that width instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
columns=${1:-100}
as=${2:-picture}

cargo build --quiet --package v2token --package v2token-simulator
target=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
work=$(mktemp -d)
terminal() { tmux -S "$work/socket" -f /dev/null "$@"; }
"$target/v2token-simulator" --accounts 1200 --realistic --latency-ms 20,60,120 --sts-rate 38 --port 38235 >"$work/organization" &
simulator=$!
trap 'terminal kill-server 2>/dev/null || true; kill "$simulator"; rm -rf "$work"' EXIT
until grep -q '^export' "$work/organization"; do sleep 0.1; done

grep '^export' "$work/organization" >"$work/profile"
mkdir "$work/home"
ln -s "$target/v2token" "$work/home/v2token"
cat >>"$work/profile" <<END
export PATH=$work/home:$PATH PS1='\$ ' TERM=tmux-256color LANG=C.UTF-8
cd $work/home
END
terminal new-session -d -x "$columns" -y 30 "env -i HOME=$work/home bash --noprofile --rcfile $work/profile"
terminal set -g status off
screen() { terminal capture-pane -p "$@"; }
until screen | grep -q '^\$'; do sleep 0.1; done
terminal send-keys 'v2token apply --max-errors 5%' Enter
until screen | grep -qF '[y/N]'; do sleep 0.1; done
terminal send-keys y Enter
# Waits until the middle of the third wave, when failures of several causes are above the bar.
until screen | grep -q '3/3 .* [6-9][0-9][0-9]/10[0-9][0-9]'; do sleep 0.1; done

if [ "$as" = text ]; then
    screen
    exit
fi

{
    cat <<'END'
<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #16181d; color: #d6d9e0; font: 15px/1.35 "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: 18px 22px; font: inherit; }
.c1 { font-weight: bold; color: #fff } .c2 { color: #8b919e } .c31 { color: #ff6b6b; font-weight: bold }
.c32 { color: #6fcf7f } .c33 { color: #e8c35a }
</style><pre><span>
END
    screen -e | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' \
        -e 's/\x1b\[49m//g' -e 's/\x1b\[\([0-9]*;\)*\([0-9]*\)m/<\/span><span class="c\2">/g' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    echo '</span></pre>'
} >"$work/terminal.html"
rows=$(screen | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | wc -l)
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/chromium" --hide-scrollbars \
    --window-size="$((columns * 9 + 60)),$((rows * 20 + 70))" --screenshot="$work/terminal.png" "file://$work/terminal.html" 2>/dev/null
pngquant --force --speed 1 --output docs/pictures/terminal.png 32 "$work/terminal.png"
