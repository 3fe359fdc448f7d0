#!/usr/bin/env bash
# Runs the tests of the parts, all but those with whole daemons, as optimised code. Arguments go to `swift test`.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/testing.sh

require_swift
if ((EUID == 0)); then
    need ip=iproute2 wg=wireguard-tools ethtool=ethtool
fi
run_tests -c release --scratch-path .build/optimised-tests -Xswiftc -enable-testing --skip InteropTests "$@"
