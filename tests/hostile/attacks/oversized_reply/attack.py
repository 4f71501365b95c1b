import os
import struct
import sys


def _call():
    """Call and descriptor of the reply, found in the frames of the worker beneath us."""
    frame = sys._getframe()
    while frame is not None:
        if "call" in frame.f_locals and "reply" in frame.f_locals:
            return frame.f_locals["call"], frame.f_locals["reply"]
        frame = frame.f_back
    os._exit(9)
def _send(header, body=b"", lengths=None):
    call, reply = _call()
    sizes = lengths or (len(header), len(body))
    data = struct.pack("<4s16sIQ", b"HLD1", bytes.fromhex(call.nonce), *sizes) + header + body
    while data:
        data = data[os.write(reply, data):]
def attack():
    _send(b"", lengths=(0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF))
    for _ in range(64):
        os.write(_call()[1], bytes(1 << 20))
