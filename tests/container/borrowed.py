"""What the image build borrows from this machine so that pip in the container finds packages as pip does here.

A package index in a folder, a folder of wheels, a certificate, a proxy: whatever pip is configured with here is lent to the
build, and only to the build. Where pip has no configuration, nothing is lent and the public index is asked.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

_INDEXES = ("index-url", "extra-index-url")
_LENT = (*_INDEXES, "find-links", "cert", "trusted-host", "proxy", "no-index", "timeout", "default-timeout")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Borrowed:
    """A pip.conf, folders and files that it names (to be mounted read-only where they are), and proxy variables."""

    pip_conf: str
    mounts: tuple[Path, ...]
    environment: Mapping[str, str]


def from_here() -> Borrowed:
    """What this machine has to lend."""
    settings = pip_settings(_pip_config_list())
    lines = [f"{option} = {value}" for option, value in sorted(settings.items())]
    proxies = {name: os.environ[name] for name in (*_PROXIES, *map(str.upper, _PROXIES)) if name in os.environ}
    return Borrowed("\n".join(["[global]", *lines, ""]), local_places(settings), proxies)


def pip_settings(listing: str) -> dict[str, str]:
    """The options of `pip config list` that say where packages come from; pip's order decides: the environment wins."""
    found: dict[str, str] = {}
    lines = [line.partition("=") for line in listing.splitlines() if "=" in line]
    for key, _, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
        option = key.rpartition(".")[2]
        if option in _LENT:
            found[option] = str(ast.literal_eval(value))
    return found


def local_places(settings: Mapping[str, str]) -> tuple[Path, ...]:
    """Folders and files of this machine that the settings name. Of an index, the folder above it: its pages link there."""
    found: dict[Path, None] = {}
    for option, value in settings.items():
        for word in value.split():
            path = Path(unquote(urlsplit(word).path)) if word.startswith("file:") else Path(word)
            if path.is_absolute() and path.exists():
                found[path.parent if option in _INDEXES and path.parent != Path(path.anchor) else path] = None
    return tuple(found)


def _pip_config_list() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
