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
_SHAPES = (
    b'null', b'0', b'"text"', b'[]', b'{"d":[]}', b'[[[[]]]]', b'{"f":"nan"}', b'[null,1,"a",{"t":[]}]',
    b'{"d":[["types",3],["x_lengths",null],["vocabulary",0],["sizes",[[1]]],["length","a"]]}',
    b'{"d":[["is_gpt",true],["parameters",null],["blocks_of",7],["logits","x"]]}',
    b'{"d":[["down",null],["up",[[]]],["up_latent",1],["up_input",2]]}',
    b'{"d":[["a",[1]],["b",null],["c",[{"f":"nan"},"x",0]]]}',
    b'{"d":[[null,null],[true,1],[0.5,2]]}',
    b'{"d":[["config",null],["before",[]],["after",1],["parameters",[null]],["dataset",{"d":[]}]]}',
    b'{"d":[["loss_before","a"],["loss_after",null],["model",1],["saved",true]]}',
)

def attack():
    shape = _SHAPES[(_call()[0].seed + 0) % len(_SHAPES)]
    _send(b'{"d":[["kind","returned"],["value",' + shape + b']]}')
    os._exit(0)
