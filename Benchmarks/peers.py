#!/usr/bin/env python3
"""Configurations of very many peers.

    peers.py make COUNT NAME      writes NAME.conf for `wg setconf`, and NAME.set, the same for the daemon's socket
    peers.py file COUNT           prints a server's file, with all that a peer may have in it
    peers.py set FILE SOCKET      sends a file to the socket; prints the seconds until the answer is complete
"""

import base64
import ipaddress
import os
import pathlib
import socket
import sys
import time


def make(count: str, name: str) -> None:
    """Peers with one allowed IP each. Any 32 bytes are a public key."""
    private = os.urandom(32)
    first = ipaddress.ip_address("10.0.0.0")
    with open(f"{name}.conf", "w") as conf, open(f"{name}.set", "w") as request:
        conf.write(f"[Interface]\nPrivateKey = {base64.b64encode(private).decode()}\n")
        request.write(f"set=1\nprivate_key={private.hex()}\nreplace_peers=true\n")
        for number in range(int(count)):
            key = os.urandom(32)
            conf.write(f"[Peer]\nPublicKey = {base64.b64encode(key).decode()}\nAllowedIPs = {first + number}/32\n")
            request.write(f"public_key={key.hex()}\nreplace_allowed_ips=true\nallowed_ip={first + number}/32\n")
        request.write("\n")


def file(count: str) -> None:
    """A server and peers with a name, a preshared key, two allowed IPs and an endpoint, to which nothing is sent."""

    def key() -> str:
        return base64.b64encode(os.urandom(32)).decode()

    address, address6 = ipaddress.ip_address("10.64.0.1"), ipaddress.ip_address("fd00::1")
    print(f"[Interface]\nPrivateKey = {key()}\nListenPort = 51820\nAddress = {address}/10, {address6}/64")
    print("# ClientEndpoint = 192.0.2.1:51820")
    for number in range(1, int(count) + 1):
        print(f"\n[Peer]\n# Name = peer{number}\nPublicKey = {key()}\nPresharedKey = {key()}")
        print(f"AllowedIPs = {address + number}/32, {address6 + number}/128")
        print(f"Endpoint = 192.0.2.{number % 250 + 1}:{20000 + number}")


def set_(file: str, path: str) -> None:
    request = pathlib.Path(file).read_bytes()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        start = time.monotonic()
        connection.sendall(request)
        answer = b""
        while not answer.endswith(b"\n\n"):
            part = connection.recv(4096)
            if not part:
                sys.exit("the daemon gave no answer")
            answer += part
        seconds = time.monotonic() - start
    if answer != b"errno=0\n\n":
        sys.exit(f"the daemon answers {answer.decode().strip()}")
    print(f"{seconds:.2f}")


command, *arguments = sys.argv[1:]
try:
    {"make": make, "file": file, "set": set_}[command](*arguments)
except OSError as error:
    sys.exit(f"peers.py: {error}")
