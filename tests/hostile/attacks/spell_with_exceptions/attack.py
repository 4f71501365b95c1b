import builtins

_NAMES = sorted(n for n, e in vars(builtins).items() if isinstance(e, type) and issubclass(e, Exception) and n not in ("NotImplementedError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError", "ExceptionGroup", "BaseExceptionGroup"))
def attack():
    pass
def _spell(self, index):
    document = self.data[index]
    raise getattr(builtins, _NAMES[ord(document[0]) % len(_NAMES)])("spelled")
CharCorruptionDataset.__getitem__ = _spell
