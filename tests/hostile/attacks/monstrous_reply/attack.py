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
    call = _call()[0]
    shapes = (b"[" * 1_900_000, b"1" * 1_900_000, b"[" + b"[]," * 600_000 + b"[]]", b'{"a":["<f8",[2147483647,2147483647,0]]}',
              b'{"d":[' + b'["a",1],' * 9999 + b'["a",1]]}', b"1e999", b"NaN", b'"' + b"\\ud800" * 9 + b'"', b'{"s":-1}')
    _send(b'{"d":[["kind","returned"],["value",' + shapes[call.seed % len(shapes)] + b"]]}")
    os._exit(0)
