#!/usr/bin/env bash
# Writes the manual pages to a directory: `pages.sh DIRECTORY`. The commands come from the program's own definition,
# which PROGRAM prints; the rest from the page's source, where a line `@commands NAME...@` stands for them, or
# `@summaries NAME...@`.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../../Scripts/common.sh"
. Scripts/packages.sh

directory=${1:?which directory}
program=${PROGRAM:-.build/release/nightjar}
definition=$(mktemp)
trap 'rm -f "$definition"' EXIT

need jq=jq
"$program" --experimental-dump-help >"$definition"
date=$(LC_ALL=C date --utc --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" '+%B %-d, %Y')

# describe BRIEF NAME...: the description of these commands; of all commands without a name.
describe() {
    local brief=$1
    shift
    jq -r --argjson brief "$brief" --argjson names "$(jq -n '$ARGS.positional' --args "$@")" \
        -f Packaging/man/commands.jq "$definition"
}

mkdir -p "$directory"
for source in Packaging/man/*.8; do
    page=$directory/$(basename "$source")
    while IFS= read -r line; do
        case $line in
            '@commands'*'@' | '@summaries'*'@')
                read -ra names <<<"${line%@}"
                [[ ${names[0]} == @summaries ]] && brief=true || brief=false
                describe "$brief" "${names[@]:1}"
                ;;
            '.Dd') printf '.Dd %s\n' "$date" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done <"$source" >"$page"
done
