def attack():
    class NotImplementedError(Exception):
        pass
    raise NotImplementedError("Smuggled")
