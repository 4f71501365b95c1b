class Meta(type):
    __name__ = property(lambda self: 1 / 0)
    def __instancecheck__(self, other): return True
    def __subclasscheck__(self, other): return True
    def __getattribute__(self, name): raise SystemExit("BREACH")
class Lie(BaseException, metaclass=Meta):
    def __str__(self):
        raise Lie
    __repr__ = __str__
    __class__ = property(lambda self: 1 / 0)
    __traceback__ = property(lambda self: 1 / 0)
    def __getattribute__(self, name):
        raise Lie
def attack():
    raise Lie
