import os


def attack():
    here = os.path.dirname(os.path.abspath(__file__))
    breaches = []
    for name in ("vanilla.nopretrain.dev.predictions", "vanilla.pretrain.test.predictions", "dataset.py", "__init__.py", "vanilla.model.params", "new.py"):
        for how in ("w", "a", "r+", "x"):
            try:
                open(os.path.join(here, name), how).close()
                breaches.append((name, how))
            except OSError:
                pass
        for act in (os.unlink, lambda path: os.rename(path, path + "2"), lambda path: os.chmod(path, 0o666), lambda path: os.symlink("@DATA@/birth_test.tsv", path)):
            try:
                act(os.path.join(here, name))
                breaches.append(name)
            except OSError:
                pass
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
