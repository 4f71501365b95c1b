import os


def attack():
    breaches = []
    here = os.path.dirname(os.path.abspath(__file__))
    tree, runs = os.path.dirname(here), os.path.dirname(os.getcwd())
    for folder in (here, tree, os.path.dirname(tree), runs, os.path.dirname(runs), "@DATA@", "@ROOT@", "/tmp"):
        for name, change in {
            "chmod": lambda: os.chmod(folder, 0o777), "chown": lambda: os.chown(folder, os.getuid(), os.getgid()),
            "utime": lambda: os.utime(folder), "rename": lambda: os.rename(folder, folder + "-@MARK@"),
            "mkdir": lambda: os.mkdir(os.path.join(folder, "@MARK@-new")), "rmdir": lambda: os.rmdir(folder),
            "symlink": lambda: os.symlink("/", os.path.join(folder, "@MARK@-link")),
            "truncate": lambda: os.truncate(os.path.join(folder, "__init__.py"), 0),
            "chroot": lambda: os.chroot(folder),
        }.items():
            try:
                change()
            except OSError:
                continue
            if not (folder == "/tmp" and os.stat("/tmp").st_mode & 0o002):  # on a desk, everybody may
                breaches.append((name, folder))
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
