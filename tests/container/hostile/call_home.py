# mypy: ignore-errors

"""Opens sockets of every kind, to this machine only: a listener, the loopback address, abstract names, netlink, raw."""

import os
import socket

opened = []
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            opened.append(socket.socket(family, kind))
        except OSError:
            pass
for connection in opened:
    for address in (("127.0.0.1", 9), ("::1", 9), "\0holdout", (0, 0)):
        for act in (connection.connect, connection.bind):
            try:
                act(address)
            except (OSError, TypeError, ValueError):
                pass
if opened:
    print("opened", len(opened))
    os.abort()
