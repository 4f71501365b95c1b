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
from harness.sandbox import codec


def attack():
    text = "Smuggled"
    value = {key: text for key in ("is_gpt", "parameters", "blocks_of", "class", "unchanged", "length", "loss_before", "loss_after", "types")}
    value |= {"config": {"max_epochs": text, "batch_size": text, text: 1}, "dataset": {"class": text, "length": text, "itos": [text], "x": [0]},
              "sizes": [[[text]]], "vocabulary": [text], "model": {text: [1.0]}, "saved": {}, "before": {text: 1}, "after": {}, text: text,
              "down": text, "up": text, "up_latent": text, "up_input": text}
    header, buffers = codec.encode({"kind": "returned", "value": value})
    _send(header, b"".join(bytes(piece) for piece in buffers))
    os._exit(0)
