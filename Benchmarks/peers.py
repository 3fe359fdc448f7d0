#!/usr/bin/env python3
"""Configurations of very many peers.

    peers.py make COUNT NAME      writes NAME.conf for `wg setconf`, and NAME.set, the same for the daemon's socket
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
    {"make": make, "set": set_}[command](*arguments)
except OSError as error:
    sys.exit(f"peers.py: {error}")
