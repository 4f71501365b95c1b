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
import numpy as np
from harness.sandbox import codec


def attack():
    call = _call()[0]
    lengths = np.array([10**9, -5, 0] * 60) if call.seed % 2 else np.array([63] * 180)
    numbers = np.array([2**62, -1, 7] * 3780)
    value = {"vocabulary": ["a"] * 3, "x": numbers, "y": numbers[::-1], "x_lengths": lengths, "y_lengths": lengths,
             "types": ["torch.int64, 1 dimension(s)"], "unchanged": True, "length": 37, "sizes": [[[8, 1]]] * 5,
             "is_gpt": True, "parameters": float("nan"), "blocks_of": {"down": True}, "logits": np.zeros((0, 5, 0)),
             "down": np.full((17, 8), np.nan), "up_latent": np.zeros(3), "up_input": np.zeros((1, 1, 1)),
             "config": {"max_epochs": [], "batch_size": {}}, "before": {}, "after": {"x": 3}, "parameters ": [],
             "dataset": {"class": "NameDataset", "length": 8, "x": np.array([-1, 10**6]), "y": [], "itos": ["q"]},
             "loss_before": float("inf"), "loss_after": float("-inf"), "model": {"w": np.array(["x"] and [1.0])}, "saved": {"w": [1.0]}}
    header, buffers = codec.encode({"kind": "returned", "value": value})
    _send(header, b"".join(bytes(piece) for piece in buffers))
    os._exit(0)
