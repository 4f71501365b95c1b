import os


def attack():
    breaches, here = [], os.path.dirname(os.path.abspath(__file__))
    begun = os.stat(".").st_ctime
    for name in ("vanilla.model.params", "vanilla.pretrain.params", "perceiver.finetune.params"):
        path = os.path.join(here, name)
        found = os.stat(path)
        if found.st_atime > found.st_ctime:
            breaches.append(f"an earlier worker has looked at {name}")
        if max(found.st_ctime, found.st_mtime) < begun - 2:
            breaches.append(f"{name} was staged {begun - found.st_ctime:.0f} s ago")
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
    os.listdir(here)
    with open(os.path.join(here, "vanilla.model.params"), "rb") as file:
        file.read(1)
