#!/usr/bin/env bash
# Writes the manual pages to a directory: `pages.sh DIRECTORY`. The commands come from the program's own definition,
# which PROGRAM prints; the rest from the page's source, where a line `@commands NAME...@` stands for them.
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

# commands NAME...: their description; all commands without a name.
commands() {
    jq -r --argjson names "$(jq -n '$ARGS.positional' --args "$@")" -f Packaging/man/commands.jq "$definition"
}

mkdir -p "$directory"
for source in Packaging/man/*.8; do
    page=$directory/$(basename "$source")
    while IFS= read -r line; do
        case $line in
            '@commands'*'@')
                read -ra names <<<"$(sed 's/^@commands *//; s/@$//' <<<"$line")"
                commands "${names[@]}"
                ;;
            '.Dd') printf '.Dd %s\n' "$date" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done <"$source" >"$page"
done
