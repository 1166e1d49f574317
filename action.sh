#!/usr/bin/env bash
# The script of action.yml, which describes the inputs, the outputs, and the exit codes. It also runs in the bash 3.2 of macOS.
set -euo pipefail

# Prints an error as an annotation of the job, on one line, and ends. The runner reads stderr, too, and a function may be writing to a variable.
refuse() {
    local text=${1//%/%25}
    text=${text//$'\r'/%0D}
    printf '::error title=v2token::%s\n' "${text//$'\n'/%0A}" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# The ending of the archives' names for this machine.
platform() {
    case "$(uname -s) $(uname -m)" in
        "Linux x86_64") echo x86_64-linux-static ;;
        "Linux aarch64") echo aarch64-linux-static ;;
        "Darwin x86_64") echo x86_64-macos ;;
        "Darwin arm64") echo aarch64-macos ;;
        *) refuse "there is no release for $(uname -s) on $(uname -m)" ;;
    esac
}

base_url() {
    if [ -n "$INPUT_BASE_URL" ]; then
        case $INPUT_BASE_URL in
            https://* | file://*) echo "${INPUT_BASE_URL%/}" ;;
            *) refuse "base-url must start with https:// or file://: $INPUT_BASE_URL" ;;
        esac
        return
    fi
    local repository=${INPUT_REPOSITORY:-${ACTION_REPOSITORY:-}}
    # The runner keeps actions in _actions/OWNER/NAME/REF.
    if [ -z "$repository" ] && [[ $GITHUB_ACTION_PATH =~ /_actions/([^/]+/[^/]+)/ ]]; then
        repository=${BASH_REMATCH[1]}
    fi
    [[ $repository =~ ^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$ ]] || refuse "repository must be OWNER/NAME: $repository"
    echo "${GITHUB_SERVER_URL:-https://github.com}/$repository/releases/download/v$version"
}

download() {
    curl --fail --silent --show-error --location --proto '=https,file' --proto-redir '=https' --retry 3 --connect-timeout 20 \
        --max-time 300 --output "$2" "$1" || refuse "$1 can't be downloaded"
}

# Downloads the archive, compares its sum, and unpacks it. Nothing of it is used before its sum is known to be right.
install() {
    local base archive expected found programs
    base=$(base_url)
    archive=v2token-$version-$(platform).tar.gz
    download "$base/$archive" "$folder/$archive"
    expected=$(printf '%s' "$INPUT_SHA256" | tr 'A-F' 'a-f')
    if [ -z "$expected" ]; then
        download "$base/SHA256SUMS" "$folder/SHA256SUMS"
        expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$folder/SHA256SUMS")
    fi
    [[ $expected =~ ^[0-9a-f]{64}$ ]] || refuse "there is no SHA-256 sum of $archive"
    found=$(sha256 "$folder/$archive")
    [ "$found" = "$expected" ] || refuse "$archive has the SHA-256 sum $found instead of $expected: it was not installed"
    mkdir "$folder/files"
    tar -xzf "$folder/$archive" -C "$folder/files"
    programs=$(find "$folder/files" -type f -name v2token -perm -u+x)
    [ -f "$programs" ] || refuse "$archive must have one program: $programs"
    program=$programs
    found=$("$program" --version)
    [[ $found == "v2token $version "* ]] || refuse "$archive has another version: $found"
    dirname "$program" >>"$GITHUB_PATH"
    echo "$found"
}

output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }

# Runs the plan. Sets `code` to its exit code.
plan() {
    local arguments=(plan --output none --run-dir "$INPUT_RUN_DIR" --report "$INPUT_RUN_DIR.md" --report "$INPUT_RUN_DIR.csv") line end
    if [ "$INPUT_COMMAND" = drift ]; then arguments+=(--detailed-exitcode); fi
    while IFS= read -r line || [ -n "$line" ]; do
        if [ -n "$line" ]; then arguments+=("$line"); fi
    done <<<"$INPUT_ARGUMENTS"
    # The names of accounts come from outside, so no line of the program may be a command to the runner.
    end=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "::stop-commands::$end"
    code=0
    "$program" "${arguments[@]}" || code=$?
    echo "::$end::"
}

case $INPUT_COMMAND in
    drift | plan | install) ;;
    *) refuse "command must be drift, plan, or install: $INPUT_COMMAND" ;;
esac
version=${INPUT_VERSION#v}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || refuse "version must be a version such as 1.0.0: $INPUT_VERSION"
case $INPUT_RUN_DIR in
    "" | -* | *$'\n'*) refuse "run-dir must name a folder: $INPUT_RUN_DIR" ;;
esac
for file in "$INPUT_RUN_DIR" "$INPUT_RUN_DIR.md" "$INPUT_RUN_DIR.csv"; do
    # Otherwise an earlier report would be shown if this run can't start.
    if [ "$INPUT_COMMAND" != install ] && [ -e "$file" ]; then refuse "$file exists: name another run-dir"; fi
done
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/v2token.XXXXXX")
install
if [ "$INPUT_COMMAND" = install ]; then exit 0; fi
plan
output exit-code "$code"
output run-dir "$INPUT_RUN_DIR"
if [ -f "$INPUT_RUN_DIR.csv" ]; then output csv "$INPUT_RUN_DIR.csv"; fi
if [ -f "$INPUT_RUN_DIR/report.html" ]; then output html "$INPUT_RUN_DIR/report.html"; fi
if [ -f "$INPUT_RUN_DIR.md" ]; then
    output markdown "$INPUT_RUN_DIR.md"
    cat "$INPUT_RUN_DIR.md" >>"$GITHUB_STEP_SUMMARY"
    if [ "$INPUT_FAIL" = false ]; then
        case $code in 3 | 4 | 6) code=0 ;; esac
    fi
fi
exit "$code"
