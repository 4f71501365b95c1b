import socket


def attack():
    breaches = []
    for family in range(0, 46):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind).close()
                breaches.append((family, int(kind)))
            except (OSError, OverflowError, ValueError):
                pass
    for address in (("127.0.0.1", 22), ("127.0.0.1", 8080), ("127.0.0.2", 80), ("::1", 80)):
        try:
            socket.create_connection(address, timeout=0.2)
            breaches.append(address)
        except OSError:
            pass
    try:
        socket.socketpair()
        breaches.append("pair")
    except OSError:
        pass
    if breaches:
        raise RuntimeError(f"BREACH: {breaches[:9]}")
