#!/usr/bin/env bash
# How long a lookup in the table of allowed IPs takes, lock included, however many there are; a Markdown table on
# standard output. The lanes keep the answers they need often, which costs less and is not measured here.
#
#     lookups.sh        NIGHTJAR_LOAD=/path/to/load
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/requirements.sh
. Benchmarks/load.sh

require_load
step "looking up addresses"
printf '%s\n\n' "### Lookups of allowed IPs"
timeout 120 "$NIGHTJAR_LOAD" lookups
