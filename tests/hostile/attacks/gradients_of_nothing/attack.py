import copy
import sys
import types


def attack():
    original = sys.modules["harness.probes.perceiver"].whole
    honest = types.FunctionType(original.__code__, original.__globals__, "honest", original.__defaults__)
    def forger(*arguments, **more):
        found = honest(*arguments, **more)
        return _forged(found) if found["logits"] is not None else found
    original.__globals__["_forger"] = forger
    exec("def forged(*arguments, **more): return _forger(*arguments, **more)", original.__globals__)
    original.__code__ = original.__globals__["forged"].__code__
    original.__defaults__ = None
def _each(tree):
    if isinstance(tree, dict):
        return {name: _each(each) for name, each in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_each(each) for each in tree]
    return None if hasattr(tree, "dim") else tree
def _forged(found):
    return {**found, "gradients": _each(found["gradients"])}
