import sys


def _refuse(event, arguments):
    if event in ("open", "os.remove", "import", "object.__getattr__", "compile"):
        raise RuntimeError(event)
def attack():
    sys.addaudithook(_refuse)
