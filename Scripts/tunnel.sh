# shellcheck shell=bash disable=SC2154 # scratch is from sandbox.sh
# Daemons and the tunnels between them, configured by the stock `wg`. Needs sandbox.sh.

# start_daemon NAMESPACE INTERFACE PROGRAM [NAME=VALUE...]: a daemon in the foreground of its own process, ready for
# `wg` when this returns. Its log is $scratch/INTERFACE.log, its pid is in SPAWNED.
start_daemon() {
    local namespace=$1 interface=$2 program=$3
    shift 3
    spawn "$scratch/$interface.log" ip netns exec "$namespace" env LOG_LEVEL=error "$@" "$program" -f "$interface"
    if ! wait_until 10 daemon_ready "$SPAWNED" "$namespace" "$interface"; then
        say "$program: not ready after 10 s"
        return 1
    elif gone "$SPAWNED"; then
        say "$program: ended at once"
        return 1
    fi
}

# Also true when the daemon has ended, so that nobody waits for it.
daemon_ready() { gone "$1" || at "$2" wg show "$3" listen-port; }

# make_keys NAME: $scratch/NAME.key and its public half in NAME.pub.
make_keys() { (umask 077 && wg genkey | tee "$scratch/$1.key" | wg pubkey >"$scratch/$1.pub"); }

# set_device NAMESPACE INTERFACE PORT: gives the interface the key of its own name.
set_device() { at "$1" wg set "$2" listen-port "$3" private-key "$scratch/$2.key"; }

# set_peer NAMESPACE INTERFACE PEER ALLOWED-IPS [ENDPOINT]: PEER names the keys of the other end.
set_peer() {
    local public
    public=$(<"$scratch/$3.pub")
    at "$1" wg set "$2" peer "$public" allowed-ips "$4" ${5:+endpoint "$5"}
}
