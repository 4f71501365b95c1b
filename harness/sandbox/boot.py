"""The child side's first script: `python -s -S -B boot.py MODE DESCRIPTOR ROOT PROBES LIBRARIES FOLDER...`.

Sets sys.path to exactly the given folders before anything but built-in modules is imported, so that the standard
library comes from where workers can read it too, and nothing of the caller's environment or site configuration takes
part.
"""

import sys


def main() -> None:
    """Set the module path, then be what MODE says: `zygote`, `server` (of zygotes) or `once` (a single worker)."""
    mode, descriptor, root, probes, libraries, *folders = sys.argv[1:]
    _module_path([root, *folders])
    import harness  # noqa: F401 - it keeps its own path, so ROOT can go: no file there may shadow a package

    sys.path[:] = folders
    if mode == "zygote":
        from harness.sandbox import zygote

        zygote.serve(int(descriptor), probes, libraries)
    elif mode == "server":
        from harness.sandbox import zygote

        zygote.serve_many(int(descriptor), probes, libraries)
    else:
        from harness.sandbox import once

        once.run(probes, libraries)


def _module_path(folders: list[str]) -> None:
    sys.path[:] = folders
    sys.path_importer_cache.clear()
    encodings = sys.modules["encodings"]  # the one package that start-up has loaded already
    separator = "\\" if sys.platform == "win32" else "/"
    encodings.__path__[:] = [f"{folder}{separator}encodings" for folder in folders[1:2]]


if __name__ == "__main__":
    main()
