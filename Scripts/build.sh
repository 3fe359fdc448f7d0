#!/usr/bin/env bash
# Builds the release binary, which needs nothing of Swift's at run time.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/common.sh"
. Scripts/requirements.sh

require_swift
swift build -c release --static-swift-stdlib --product nightjar </dev/null
