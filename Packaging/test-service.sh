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
    check_other_engine
    check_override
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
PostUp = nft add table ip hooks-%i && nft add chain ip hooks-%i input '{ type filter hook input priority 0 ; }'
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

# Its network has a way out that leads nowhere. It has processes of its own, so the sandbox's must not show in it.
boot() {
    umount "$machine/proc"
    spawn "$scratch/boot" systemd-nspawn --quiet --register=no --keep-unit --directory="$machine" --private-network \
        --bind=/dev/net/tun --resolv-conf=off --boot
    wait_until 60 is_running
    booted ip link add host0 type veth peer name nowhere
    # No addresses that show up by themselves after a second.
    booted ip link set host0 addrgenmode none
    booted ip link set nowhere addrgenmode none
    booted ip address add 192.0.2.2/24 dev host0
    booted ip link set nowhere up
    booted ip link set host0 up
    booted ip route add default via 192.0.2.1
    # iptables leaves empty chains behind that it has used once.
    local change
    for change in A D; do
        booted iptables "-$change" FORWARD -j ACCEPT
        booted iptables -t nat "-$change" POSTROUTING -j ACCEPT
    done
}

# is_running: whether the machine has started. LEADER is its first process, which may still be replaced until then.
is_running() {
    LEADER=$(cut -d ' ' -f 1 "/proc/$SPAWNED/task/$SPAWNED/children")
    [[ -n $LEADER ]] && booted systemctl is-system-running
}

# booted COMMAND...: runs it in the booted machine.
booted() {
    nsenter --target "$LEADER" --mount --net --pid --uts --ipc -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 "$@"
}

# network: all that an interface may have changed, in an order that doesn't depend on when it was.
network() {
    {
        booted ip -brief address show
        booted ip rule show
        booted ip -6 rule show
        booted ip route show table all
        booted ip -6 route show table all
        booted nft --stateless list ruleset 2>/dev/null
        booted sysctl net.ipv4.ip_forward
        booted cat /etc/resolv.conf
    } | sort
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
    # What was counted is kept for the next one, away from others' eyes.
    [[ -s $machine/var/lib/nightjar/wg0.totals && $(stat -c %a "$machine/var/lib/nightjar") == 700 ]]
}

# is_renewed PID: whether the service runs again, with another daemon.
is_renewed() {
    local state
    state=$(booted systemctl show --property MainPID,ActiveState nightjar@wg0)
    grep -qx ActiveState=active <<<"$state" && ! grep -qx "MainPID=$1" <<<"$state"
}

check_end_by_hand() {
    step "bringing the interface down beside the service"
    start wg0
    quietly booted nightjar down wg0
    wait_until 10 is_inactive wg0
    network | diff "$scratch/before" - >"$scratch/output"
}

is_inactive() { [[ $(property "$1" ActiveState) == inactive ]]; }

# Without a daemon of Nightjar's the command stays, so that there is something to watch.
check_other_engine() {
    step "starting the service with another program as the engine"
    booted mkdir -p /run/systemd/system/nightjar@wg1.service.d
    booted sh -c 'printf "[Service]\nEnvironment=WG_QUICK_USERSPACE_IMPLEMENTATION=/usr/bin/wireguard-go\n" \
        >/run/systemd/system/nightjar@wg1.service.d/engine.conf'
    quietly booted systemctl daemon-reload
    start wg1
    [[ $(booted cat "/proc/$(property wg1 MainPID)/cmdline" | tr '\0' ' ') == "/usr/bin/nightjar up wg1 " ]]
    booted ip link delete wg1
    wait_until 10 is_inactive wg1
    start wg1
    quietly booted systemctl stop nightjar@wg1
    [[ $(property wg1 Result) == success ]]
    network | diff "$scratch/before" - >"$scratch/output"
}

# What the manual page offers for hooks that want more than the unit gives them.
check_override() {
    step "letting a hook into a namespace, as the manual page says"
    booted ip netns add elsewhere
    (umask 077 && sed 's/^Address.*/&\nPostUp = ip netns exec elsewhere true/' "$machine/etc/wireguard/wg1.conf" \
        >"$machine/etc/wireguard/wg2.conf")
    if quietly booted systemctl start nightjar@wg2; then
        die "The unit lets hooks into namespaces by itself."
    fi
    mkdir -p "$machine/etc/systemd/system/nightjar@wg2.service.d"
    sed -n '/^\[Service\]$/,/^\.Ed$/{/^\.Ed$/!p}' Packaging/man/nightjar.8 \
        >"$machine/etc/systemd/system/nightjar@wg2.service.d/override.conf"
    quietly booted systemctl daemon-reload
    quietly booted systemctl reset-failed nightjar@wg2
    start wg2
    quietly booted systemctl stop nightjar@wg2
    booted ip netns delete elsewhere
}

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
