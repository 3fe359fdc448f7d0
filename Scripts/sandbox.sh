# shellcheck shell=bash
# A network of the script's own, that can't touch the machine's: a private network namespace, and a private /run, where
# `ip netns` keeps its names and WireGuard daemons keep their sockets. All of it vanishes with the last process in it.

# Where the script may leave files; it vanishes as well.
readonly scratch=/run/nightjar

# enter_sandbox SECONDS "$@": starts the script again inside, for that long at most. Returns when it is inside.
enter_sandbox() {
    local limit=$1
    shift
    if [[ ${NIGHTJAR_SANDBOX:-} != inside ]]; then
        export NIGHTJAR_SANDBOX=inside
        exec timeout --foreground --kill-after=10 "$limit" unshare --mount --net bash "$SELF" "$@"
    fi
    mount -t tmpfs -o mode=755 tmpfs /run
    [[ /var/run -ef /run ]] || mount --bind /run /var/run
    mkdir -p "$scratch"
}

# in_sandbox: true inside.
in_sandbox() { [[ ${NIGHTJAR_SANDBOX:-} == inside ]]; }

# at NAMESPACE COMMAND...: runs the command there.
at() { ip netns exec "$@"; }

# make_namespace NAME...
make_namespace() {
    local name
    for name; do
        ip netns add "$name"
        ip -n "$name" link set lo up
    done
}

# join NAMESPACE LINK NAMESPACE LINK: two namespaces, joined by a virtual cable.
join() {
    ip -n "$1" link add name "$2" type veth peer name "$4" netns "$3"
    ip -n "$1" link set "$2" up
    ip -n "$3" link set "$4" up
}

# address NAMESPACE LINK ADDRESS...: without duplicate address detection, which would delay the first packet.
address() {
    local namespace=$1 link=$2 address
    shift 2
    for address; do
        if [[ $address == *:* ]]; then
            ip -n "$namespace" address add "$address" dev "$link" nodad
        else
            ip -n "$namespace" address add "$address" dev "$link"
        fi
    done
}
