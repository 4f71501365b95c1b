import os


def attack():
    breaches = []
    for number, path in enumerate(("@DATA@", "@DATA@/birth_test.tsv", "@RESULTS@", "@ROOT@/harness", "/", "/etc/passwd", "..", "loop")):
        os.symlink(path, f"link-{number}")
        try:
            os.link(path, f"hard-{number}")
            breaches.append(path)
        except OSError:
            pass
    os.symlink("loop", "loop")
    os.mkdir("swap"); os.rmdir("swap"); os.symlink("@DATA@", "swap")
    os.symlink("@RESULTS@", "written.params"); os.symlink("@DATA@/birth_test.tsv", "known.params")
    if breaches:
        raise RuntimeError(f"BREACH: hard links to {breaches}")
