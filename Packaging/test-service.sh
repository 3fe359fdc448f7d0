#!/usr/bin/env bash
# shellcheck disable=SC2154 # scratch is from sandbox.sh, machine is from machines.sh
# Boots a fresh system with the Debian package in it, and has systemd bring an interface up, reload it, see its daemon
# die, and bring it down, with hooks as people have them. As root. PACKAGE is the file, made now unless told.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Packaging/machines.sh

main() {
    if ! in_sandbox; then
        require_root
        require_namespaces
        require_tun
        need systemd-nspawn=systemd-container
        prepare_machines
        PACKAGE=$(realpath "${PACKAGE:-$(Packaging/deb.sh)}")
        export PACKAGE
    fi
    enter_sandbox 300 "$@"
    on_exit "$scratch/output" "$scratch/journal" "$scratch/boot"

    step "booting a machine"
    start_machine booted
    install_package
    write_configurations
    boot
    network >"$scratch/before"

    check_start
    check_reload
    check_restart
    check_end_by_hand
    check_habit
    printf 'systemd and Nightjar agree.\n'
}

write_configurations() {
    local key
    key=$(inside nightjar genkey)
    (umask 077 && cat >"$machine/etc/wireguard/wg0.conf") <<END
[Interface]
PrivateKey = $key
Address = 10.9.0.1/24, fd09::1/64
ListenPort = 51820
DNS = 10.9.0.2
PreUp = sysctl -q net.ipv4.ip_forward=1
PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o host0 -j MASQUERADE
PostUp = nft add table ip hooks-%i && nft add chain ip hooks-%i all '{ type filter hook input priority 0; }'
PostUp = ip rule add from 10.9.0.0/24 table 4711 && ip route add blackhole default table 4711
PostUp = install -o nobody -m 600 /dev/null /run/hook-%i && runuser -u nobody -- test -r /run/hook-%i
PostDown = ip rule del from 10.9.0.0/24 table 4711 && ip route flush table 4711
PostDown = nft delete table ip hooks-%i; rm /run/hook-%i
PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -t nat -D POSTROUTING -o host0 -j MASQUERADE
PostDown = sysctl -q net.ipv4.ip_forward=0

[Peer]
PublicKey = $(inside nightjar genkey | inside nightjar pubkey)
Endpoint = 192.0.2.1:51820
AllowedIPs = 0.0.0.0/0, ::/0
END
    (umask 077 && printf '[Interface]\nPrivateKey = %s\nAddress = 10.10.0.1/24\n' "$key" \
        >"$machine/etc/wireguard/wg1.conf")
    echo "nameserver 192.0.2.53" >"$machine/etc/resolv.conf"
}

# Its network has a way out that leads nowhere.
boot() {
    spawn "$scratch/boot" systemd-nspawn --quiet --register=no --keep-unit --directory="$machine" --private-network \
        --bind=/dev/net/tun --resolv-conf=off --boot
    wait_until 10 find_leader
    wait_until 60 booted systemctl is-system-running
    booted ip link add host0 type dummy
    booted ip address add 192.0.2.2/24 dev host0
    booted ip link set host0 up
    booted ip route add default via 192.0.2.1
}

# LEADER is the machine's first process.
find_leader() { read -r LEADER _ <"/proc/$SPAWNED/task/$SPAWNED/children" && [[ -n $LEADER ]]; }

# booted COMMAND...: runs it in the booted machine.
booted() {
    nsenter --target "$LEADER" --mount --net --pid --uts --ipc -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 "$@"
}

# network: all that an interface may have changed.
network() {
    booted ip -o address show
    booted ip rule show
    booted ip -6 rule show
    booted ip route show table all
    booted nft list ruleset | grep -v '^#'
    booted sysctl net.ipv4.ip_forward
    booted cat /etc/resolv.conf
}

check_start() {
    step "starting the service"
    start wg0
    # Ready means that nothing is left to wait for.
    [[ $(property wg0 MainPID) == "$(booted pidof nightjar)" ]]
    network >"$scratch/up"
    grep -q '10.9.0.1/24' "$scratch/up"
    grep -q 'fd09::1/64' "$scratch/up"
    grep -q 'suppress_prefixlength 0' "$scratch/up"
    grep -q 'hooks-wg0' "$scratch/up"
    grep -q MASQUERADE <(booted iptables-save -t nat)
    grep -qx 'nameserver 10.9.0.2' "$scratch/up"
    grep -q 'ip_forward = 1' "$scratch/up"
}

check_reload() {
    step "reloading it"
    local before
    before=$(property wg0 MainPID)
    echo "PersistentKeepalive = 25" >>"$machine/etc/wireguard/wg0.conf"
    quietly booted systemctl reload nightjar@wg0
    booted wg show wg0 persistent-keepalive | grep -q '25$'
    [[ $(property wg0 MainPID) == "$before" ]]
}

check_restart() {
    step "killing its daemon"
    local before
    before=$(property wg0 MainPID)
    booted kill -KILL "$before"
    wait_until 10 is_renewed "$before"
    network | diff "$scratch/up" - >"$scratch/output"
    step "stopping it"
    quietly booted systemctl stop nightjar@wg0
    [[ $(property wg0 Result) == success ]]
    network | diff "$scratch/before" - >"$scratch/output"
}

# is_renewed PID: whether the service runs again, with another daemon.
is_renewed() { [[ $(property wg0 ActiveState) == active && $(property wg0 MainPID) != "$1" ]]; }

check_end_by_hand() {
    step "bringing the interface down beside the service"
    start wg0
    quietly booted nightjar down wg0
    wait_until 10 is_inactive wg0
    network | diff "$scratch/before" - >"$scratch/output"
}

is_inactive() { [[ $(property "$1" ActiveState) == inactive ]]; }

check_habit() {
    step "starting a unit of wg-quick's name, and stopping all at once"
    quietly booted systemctl enable --now wg-quick@wg1
    booted ip -o address show dev wg1 | grep -q '10.10.0.1/24'
    start wg0
    quietly booted systemctl stop nightjar.target
    wait_until 10 is_inactive wg0
    network | diff "$scratch/before" - >"$scratch/output"
}

start() {
    quietly booted systemctl start "nightjar@$1" || {
        booted journalctl --unit "nightjar@$1" --no-pager --output cat >"$scratch/journal" 2>&1
        return 1
    }
}

# property INTERFACE NAME: of its service.
property() { booted systemctl show --property "$2" --value "nightjar@$1"; }

main "$@"
