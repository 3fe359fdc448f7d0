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

# make_hosts: the namespaces client and server, joined by a virtual cable, at 192.0.2.1 and 192.0.2.2.
make_hosts() {
    make_namespace client server
    join client eth0 server eth0
    address client eth0 192.0.2.1/24
    address server eth0 192.0.2.2/24
}

# connect_hosts CLIENT SERVER PORT NETWORK: a tunnel between these interfaces of the two, whose daemons run, on that
# port at both ends, from 10.0.NETWORK.1 to 10.0.NETWORK.2.
connect_hosts() {
    local client=$1 server=$2 port=$3 network=10.0.$4 side
    for side in client server; do
        make_keys "${!side}"
        set_device "$side" "${!side}" "$port"
    done
    set_peer server "$server" "$client" "$network.1/32"
    set_peer client "$client" "$server" "$network.2/32" "192.0.2.2:$port"
    address client "$client" "$network.1/24"
    address server "$server" "$network.2/24"
    for side in client server; do
        ip -n "$side" link set "${!side}" mtu 1420 up
    done
}

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
