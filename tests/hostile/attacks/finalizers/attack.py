import atexit
import gc
import os
import weakref


def _spray():
    for descriptor in range(1, 16):
        try:
            os.write(descriptor, b'{"d":[["kind","returned"],["value",true]]}')
        except OSError:
            pass
class Undead:
    def __del__(self):
        global _kept
        _kept = self
        _spray()
        raise RuntimeError
def _stubborn():
    while True:
        try:
            yield
        except GeneratorExit:
            continue
def attack():
    cycle = [Undead()]; cycle.append(cycle)
    weakref.finalize(Undead(), _spray)
    atexit.register(_spray)
    generator = _stubborn(); next(generator); del generator
    gc.collect()
