#!/usr/bin/env bash
# Runs every test, from unit tests to network namespaces. Arguments go to `swift test`.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/testing.sh

require_swift
if ((EUID == 0)); then
    need wg=wireguard-tools wg-quick=wireguard-tools wireguard-go=wireguard-go ip=iproute2 ss=iproute2 tc=iproute2 \
        nstat=iproute2 ping=iputils-ping iperf3=iperf3 ethtool=ethtool python3=python3 sysctl=procps nft=nftables \
        iptables=iptables strace=strace tshark=tshark tcpdump=tcpdump ndpiReader=libndpi-bin jq=jq \
        curl=curl promtool=prometheus zbarimg=zbar-tools
    (require_tun) || say "Tests that need it are skipped."
else
    say "Not root: the tests that need TUN devices and network namespaces are skipped."
fi

# The namespace tests run the release binary; the tests themselves are debug builds, which check pointer bounds.
Scripts/build.sh >&2
NIGHTJAR_BIN=$PWD/.build/release/nightjar
export NIGHTJAR_BIN

run_tests "$@"
