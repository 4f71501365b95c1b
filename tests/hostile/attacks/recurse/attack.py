import sys


def attack():
    sys.setrecursionlimit(1 << 30)
    class Deep:
        def __repr__(self):
            return repr([self])
        __str__ = __eq__ = __hash__ = __repr__
    def down(depth):
        return [down(depth + 1), repr(Deep())]
    down(0)
