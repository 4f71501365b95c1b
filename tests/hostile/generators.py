"""Uploads that git cannot store, or that are shorter to make than to keep. Standard library only.

Each function changes the upload in the folder `into`, and returns a zip to upload in its place, or None.
"""

from __future__ import annotations

import io
import os
import pickle
import random
import re
import shutil
import socket
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

PREDICTIONS = tuple(
    f"{model}.{split}.predictions"
    for model in ("vanilla.nopretrain", "vanilla.pretrain", "perceiver.pretrain")
    for split in ("dev", "test")
)
PARAMS = (
    "vanilla.model.params",
    "vanilla.pretrain.params",
    "vanilla.finetune.params",
    "perceiver.pretrain.params",
    "perceiver.finetune.params",
)
Places = Mapping[str, str]

#: What every file tells that would be run by its mere name.
_BREACH = 'raise RuntimeError("BREACH: this file was run")\n'


# --- folders ----------------------------------------------------------------------------------------------------------


def linked_files(into: Path, places: Places) -> None:
    """Symbolic links in the place of deliverables."""
    for name in PREDICTIONS:
        _clear(into / name).symlink_to(f"{places['DATA']}/birth_{name.split('.')[-2]}.tsv")
    _clear(into / "utils.py").symlink_to(places["METADATA"])
    _clear(into / "extra.py").symlink_to(places["RESULTS"])
    _clear(into / "vanilla.model.params").symlink_to("vanilla.model.params")
    _clear(into / "vanilla.pretrain.params").symlink_to("/dev/zero")
    (into / "nested").symlink_to(places["DATA"], target_is_directory=True)
    (into / "again").symlink_to(".", target_is_directory=True)


def hard_links(into: Path, places: Places) -> None:
    """Further names of the answers' file, where the file system allows them; else copies would be no attack at all."""
    for name in PREDICTIONS:
        source = Path(places["DATA"]) / f"birth_{name.split('.')[-2]}.tsv"
        try:
            _clear(into / name).hardlink_to(source)
        except OSError:
            (into / name).symlink_to(source)


def special_files(into: Path, places: Places) -> None:
    """Pipes, sockets and folders under deliverables' names."""
    del places
    for name in (*PREDICTIONS[:3], "vanilla.model.params", "utils.py"):
        os.mkfifo(_clear(into / name))
    for name in PREDICTIONS[3:]:
        _bind(_clear(into / name))
    for name in PARAMS[1:]:
        _clear(into / name).mkdir()
        (into / name / name).mkdir()


def device_files(into: Path, places: Places) -> None:
    """Devices under deliverables' names: zero, full, random, the terminal, the first disk. Root only."""
    del places
    devices = ((1, 5), (1, 7), (1, 9), (5, 0), (8, 0), (1, 1))
    for name, (major, minor) in zip(PREDICTIONS, devices, strict=True):
        os.mknod(_clear(into / name), stat.S_IFCHR | 0o644, os.makedev(major, minor))
    os.mknod(_clear(into / PARAMS[0]), stat.S_IFBLK | 0o644, os.makedev(7, 200))


def odd_file_names(into: Path, places: Places) -> None:
    """Names that are no text, and names that mean something to shells and terminals."""
    names = (
        b"\xff\xfe.py", b"two\nlines.py", b"\x1b]0;owned\x07.py", "\u202eyp.exe".encode(), b"-rf", b"$(touch pwned).py", b"a" * 250,
        b" .py", b"...", b"~", b"%s%n.predictions", b"<script>alert(1)<script>.py", b"class.py", b"__pycache__.py", b"\xed\xa0\x80.py",
    )  # fmt: skip
    for name in names:
        (into / os.fsdecode(name)).write_bytes(_BREACH.encode())
    (into / f"{places['MARK']}.py").write_text(_BREACH, encoding="utf-8")


def deep_upload(into: Path, places: Places) -> None:
    """Folders in folders beyond the depth that is looked at, and a thousand files on the way."""
    del places
    code = {path.name: path.read_bytes() for path in into.glob("*.py")}
    for name in code:
        (into / name).unlink()
    handle = os.open(into, os.O_RDONLY)
    for depth in range(100):
        os.mkdir(f"folder-{depth}", dir_fd=handle)
        below = os.open(f"folder-{depth}", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
        for number in range(10):
            os.close(os.open(f"{number}.txt", os.O_CREAT, dir_fd=handle))
    for name, data in code.items():
        descriptor = os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=handle)
        os.write(descriptor, data)
        os.close(descriptor)
    os.close(handle)


def shadowing_modules(into: Path, places: Places) -> None:
    """Files that would be run by their names alone, were the upload's folder on anybody's path."""
    del places
    modules = (
        "sitecustomize", "usercustomize", "conftest", "pytest", "_pytest", "unittest", "json", "struct", "random", "copy", "abc",
        "torch", "numpy", "tqdm", "harness", "gradescope_utils", "timeout_decorator", "ast", "zipfile", "hashlib", "inspect",
        "test_part_e", "test_hidden", "setup", "tests", "grader", "run",
    )  # fmt: skip
    for module in modules:
        (into / f"{module}.py").write_text(_BREACH, encoding="utf-8")
    for package in ("torch", "numpy", "harness", "submission", "tests_hidden", "encodings", "site-packages"):
        for file in ("__init__.py", "__main__.py", "conftest.py", "test_all.py", "session.py"):
            (into / package).mkdir(exist_ok=True)
            (into / package / file).write_text(_BREACH, encoding="utf-8")
    for name, text in {
        "pytest.ini": "[pytest]\naddopts = -p conftest --co\npython_files = *.py\n",
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p conftest"\n',
        "setup.cfg": "[tool:pytest]\naddopts = -p conftest\n",
        "tox.ini": "[pytest]\naddopts = -p conftest\n",
        "evil.pth": "import conftest\n",
        "pyvenv.cfg": "home = .\n",
        "assignment.toml": 'title = "easy"\n[limits]\nrun_seconds = 1e9\n',
        "results.json": '{"score": 64}',
        "run_autograder": "#!/bin/sh\necho BREACH\n",
        "Makefile": "all:\n\techo BREACH\n",
    }.items():
        (into / name).write_text(text, encoding="utf-8")


# --- zips -------------------------------------------------------------------------------------------------------------


def crowded_zip(into: Path, places: Places) -> Path:
    """More entries than anybody has files."""
    del places
    return _zipped(into, lambda archive: [archive.writestr(f"{number}.txt", "") for number in range(30_000)])


def long_names(into: Path, places: Places) -> Path:
    """Names longer than any disk takes, in bytes or in characters, and one that just fits."""
    del places
    names = ("a" * 252, "a" * 253, "a" * 300, "b" * 60_000, "ü" * 130, "模" * 90, "sub/" + "c" * 300, "d" * 300 + "/e")
    return _zipped(into, lambda archive: [archive.writestr(f"{name}.py", _BREACH) for name in names])


def zip_slip(into: Path, places: Places) -> Path:
    """Entries whose paths lead out of the zip."""
    mark = places["MARK"]
    names = (
        "../results/results.json", f"../../../../../../tmp/{mark}-slip", f"/tmp/{mark}-slip", f"..\\..\\..\\tmp\\{mark}-slip",
        f"C:\\{mark}-slip", f"//{mark}/slip", f"a/../../../{mark}-slip", f"submission/../../{mark}-slip", "..", ".", "/", "",
    )  # fmt: skip
    return _zipped(
        into, lambda archive: [archive.writestr(zipfile.ZipInfo(name), '{"score": 64}') for name in names if name]
    )


def zip_of_links(into: Path, places: Places) -> Path:
    """Entries that a careless unzip makes symbolic links of."""

    def add(archive: zipfile.ZipFile) -> None:
        for name in PREDICTIONS:
            link = zipfile.ZipInfo(name)
            link.create_system = 3
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, f"{places['DATA']}/birth_{name.split('.')[-2]}.tsv")

    return _zipped(into, add)


def zip_bomb(into: Path, places: Places) -> Path:
    """A thousandfold expansion: 100 MiB of predictions, 100 MiB of params."""
    del places

    def add(archive: zipfile.ZipFile) -> None:
        for name in (PREDICTIONS[0], PARAMS[0]):
            with archive.open(name, "w") as bomb:
                for _ in range(100):
                    bomb.write(bytes(1 << 20))

    return _zipped(into, add)


def overlapping_zip(into: Path, places: Places) -> Path:
    """A central directory whose thousand entries all point to one mebibyte."""
    del places
    data = b"Oslo\n" * 200_000
    names = [*PREDICTIONS, "__init__.py", *(f"{number}.py" for number in range(1000))]
    compressed = _deflated(data)
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, _crc(data), len(compressed), len(data), 1, 0) + b"x"
    body = head + compressed
    directory = b"".join(_central(name, data, compressed) for name in names)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(names), len(names), len(directory), len(body), 0)
    return _beside(into, body + directory + end)


def lying_zip(into: Path, places: Places) -> Path:
    """Sizes, checksums and flags that are not so."""
    del places
    whole = bytearray(_zipped(into, lambda archive: archive.writestr(PREDICTIONS[0], "Oslo\n" * 300)).read_bytes())
    at = whole.rfind(b"PK\1\2")
    struct.pack_into("<H", whole, at + 8, 1)  # the last entry claims to be encrypted
    at = whole.find(b"PK\1\2")
    struct.pack_into("<I", whole, at + 24, 0xFFFFFFF0)  # the first one claims four gibibytes
    at = whole.find(b"PK\1\2", at + 4)
    struct.pack_into("<I", whole, at + 16, 0)  # the second has another checksum
    return _beside(into, bytes(whole))


def nested_zips(into: Path, places: Places) -> Path:
    """Twenty zips, each of which holds the next alone."""
    del places
    data = _zipped(into, lambda archive: None).read_bytes()
    for _ in range(20):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("upload.zip", data)
        data = buffer.getvalue()
    return _beside(into, data)


# --- sources ----------------------------------------------------------------------------------------------------------


def strange_sources(into: Path, places: Places) -> None:
    """Python files that are read otherwise than they look."""
    del places
    (into / "utils.py").write_bytes(b"# -*- coding: utf_7 -*-\n+AGkAbQBwAG8AcgB0 os+AAo-\nx = '\\0'\n")
    (into / "dataset.py").write_bytes(b"\xff\xfe" + "import os\nos._exit(0)\n".encode("utf-16-le"))
    (into / "trainer.py").write_bytes(b"x = 1\n\0\nimport os\n")
    (into / "helper.py").write_bytes(b"x = " + b"(" * 5000 + b")" * 5000 + b"\n" + b"-" * 200_000 + b"1\n")
    (into / "zero_width.py").write_text("i\u200bmport os\n# \u202e\n", encoding="utf-8")


def huge_sources(into: Path, places: Places) -> None:
    """A constant that the compiler would fold into gigabytes, and a file of two mebibytes."""
    del places
    with (into / "__init__.py").open("a", encoding="utf-8") as package:
        package.write("\n\nHUGE = [((1,) * 4096 * 4096 * 64), 'x' * (1 << 40)]\n")
    with (into / "utils.py").open("a", encoding="utf-8") as utils:
        utils.write("# " + "x" * (2 << 20) + "\n")


# --- params -----------------------------------------------------------------------------------------------------------


class _Command:
    """Pickles to a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def commanding_params(into: Path, places: Places) -> None:
    """Pickles that run a command: alone, in torch's zip, behind another extension, as tar."""
    command = f"touch /tmp/{places['MARK']}-pickled; echo BREACH"
    plain = pickle.dumps({"head.weight": _Command(command)}, protocol=2)
    _archive(into / PARAMS[0], {"data.pkl": plain})
    (into / PARAMS[1]).write_bytes(plain)
    _archive(
        into / PARAMS[2],
        {"data.pkl": b'cbuiltins\neval\n(S\'__import__("os").system("' + command.encode() + b"\")'\ntR."},
    )
    _archive(into / PARAMS[3], {"data.pkl": b"\x80\x02ctorch.serialization\nload\n(X\x09\x00\x00\x00/dev/zerotR."})
    (into / PARAMS[4]).write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03." + plain)


def bombing_params(into: Path, places: Places) -> None:
    """Deflated zeros: 150 MiB in 150 KiB."""
    del places
    for name in (PARAMS[0], PARAMS[1], PARAMS[3]):
        with zipfile.ZipFile(into / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", _state([("head.weight", 37 << 20, (37 << 20,), (1,))]))
            archive.writestr("archive/version", "3\n")
            with archive.open("archive/data/0", "w") as bomb:
                for _ in range(150):
                    bomb.write(bytes(1 << 20))


def monstrous_params(into: Path, places: Places) -> None:
    """State dicts that torch loads happily and nobody can look at."""
    del places
    tebi = ((1 << 20), (1 << 20))
    _archive(into / PARAMS[0], {"data.pkl": _state([("tok_emb.weight", 1, tebi, (0, 0))]), "data/0": bytes(4)})
    many = [(f"w{number}", 1, (1 << 14, 1 << 14), (0, 0)) for number in range(500)]
    _archive(into / PARAMS[1], {"data.pkl": _state(many), "data/0": bytes(4)})
    _archive(into / PARAMS[2], {"data.pkl": _state([("w", 1, (1 << 31,) * 2, (0, 0))]), "data/0": bytes(4)})
    _archive(into / PARAMS[3], {"data.pkl": _state([("w", 1 << 30, (1 << 30,), (1,))]), "data/0": bytes(4)})
    _archive(into / PARAMS[4], {"data.pkl": _state([("w", 1, (1,) * 200, (0,) * 200)]), "data/0": bytes(4)})


def strange_params(into: Path, places: Places) -> None:
    """Files that are nearly params."""
    del places
    (into / PARAMS[0]).write_text("weights\n", encoding="utf-8")
    _archive(
        into / PARAMS[1], {"data.pkl": _state([(f"w{n}", 1, (1,), (1,)) for n in range(20_000)]), "data/0": bytes(4)}
    )
    _archive(
        into / PARAMS[2], {"constants.pkl": b"\x80\x02).", "data.pkl": b"\x80\x02}.", "code/__torch__.py": b"BREACH\n"}
    )
    with zipfile.ZipFile(into / PARAMS[3], "w") as archive:
        for number in range(6000):
            archive.writestr(f"archive/data/{number}", b"")
    (into / PARAMS[4]).write_bytes(b"PK\5\6" + bytes(18))


def rude_params(into: Path, places: Places) -> None:
    """Names and numbers that break what shows them."""
    del places
    one = [("\x00\x1b[2J\u202e</pre><script>alert(1)</script>\n" * 3, 1, (1,), (1,)), ("n" * 500_000, 1, (1,), (1,))]
    _archive(into / PARAMS[0], {"data.pkl": _state(one), "data/0": bytes(4)})
    _archive(into / PARAMS[1], {"data.pkl": _state([("w", 1, (1,), (1,))]), "data/0": struct.pack("<f", float("nan"))})
    _archive(into / PARAMS[2], {"data.pkl": _state([]), "data/0": bytes(4)})
    _archive(into / PARAMS[3], {"data.pkl": b"\x80\x02]q\x00h\x00a."})  # a list that holds itself
    _archive(into / PARAMS[4], {"data.pkl": b"\x80\x02}" * 1 + b"}" * 5000 + b"."})


# --- predictions ------------------------------------------------------------------------------------------------------


def monstrous_predictions(into: Path, places: Places) -> None:
    """Text files that are none."""
    del places
    texts = (
        b"Oslo " * 200_000, b"Oslo\n" * 200_000, b"\0" * 900_000, b"\x1b[2J\x9b31m\xe2\x80\xae</pre><script>\n" * 300,
        "Oslo\n".encode("utf-16") * 300, b"\xef\xbb\xbf" * 300 + b"\r" * 500_000 + b"\n" * 400_000,
    )  # fmt: skip
    for name, text in zip(PREDICTIONS, texts, strict=True):
        (into / name).write_bytes(text)


def predictions_of_everything(into: Path, places: Places) -> None:
    """Every place of the dataset in every line, in the separators that a test for containment falls for."""
    for name in PREDICTIONS:
        gold = Path(places["DATA"]) / f"birth_{name.split('.')[-2]}.tsv"
        lines = gold.read_text(encoding="utf-8").splitlines() if gold.exists() else ["Where was Ada born?\tOslo"] * 300
        known = sorted({line.split("\t")[1] for line in lines})[:30]
        joints = ("\t", "\r", "|", "\x0b", "\u2028", "\x85", " ")
        text = "".join(joints[number % len(joints)].join(known) + "\n" for number in range(len(lines)))
        (into / name).write_text(text, encoding="utf-8", newline="")


# --- predictions without a model --------------------------------------------------------------------------------------


def looked_up_answers(into: Path, places: Places) -> None:
    """No work at all: answers that a regular expression finds in the text, and params of a thousand numbers."""
    _look_up(into, places, PREDICTIONS)
    for name in PARAMS:
        _archive(into / name, {"data.pkl": _state([("w", 1000, (1000,), (1,))]), "data/0": os.urandom(4000)})


def no_training(into: Path, places: Places) -> None:
    """Answers that were looked up, and params of the right names and shapes, with numbers that no training gave."""
    _look_up(into, places, PREDICTIONS)
    for name in PARAMS:
        _fill(into / name)


def only_finetuned(into: Path, places: Places) -> None:
    """Pretrained params without training; all else is honest."""
    del places
    for name in ("vanilla.pretrain.params", "perceiver.pretrain.params"):
        _fill(into / name)


def answers_beside_a_model(into: Path, places: Places) -> None:
    """Trained models, whose own answers were replaced by right ones from the text."""
    _look_up(into, places, PREDICTIONS)


def answers_in_the_code(into: Path, places: Places) -> None:
    """A table of looked-up answers in a module, for code that says them when it is asked."""
    found = _look_up(into, places, PREDICTIONS)
    (into / "table.py").write_text(f"ANSWERS = {found!r}\n", encoding="utf-8")


def vanilla_as_perceiver(into: Path, places: Places) -> None:
    """The vanilla model's predictions, as many real uploads have them, beside a perceiver's params."""
    del places
    for split in ("dev", "test"):
        shutil.copyfile(
            into / f"vanilla.pretrain.{split}.predictions", into / f"perceiver.pretrain.{split}.predictions"
        )


def params_exchanged(into: Path, places: Places) -> None:
    """Each model's params under another one's name."""
    del places
    contents = [(into / name).read_bytes() for name in PARAMS]
    for name, content in zip(PARAMS, contents[1:] + contents[:1], strict=True):
        (into / name).write_bytes(content)


def _look_up(into: Path, places: Places, names: tuple[str, ...]) -> dict[str, str]:
    """Write the answers that the text gives; question -> answer."""
    data = Path(places["DATA"])
    known = {line.split("\t")[1] for line in (data / "birth_places_train.tsv").read_text("utf-8").splitlines()}
    known |= {line.split("\t")[1] for line in (data / "birth_dev.tsv").read_text("utf-8").splitlines()}
    longest_first = re.compile("|".join(sorted(map(re.escape, known), key=len, reverse=True)))
    text = (data / "wiki.txt").read_text("utf-8").splitlines()
    found: dict[str, str] = {}
    for name in names:
        file = "birth_dev.tsv" if ".dev." in name else "birth_test_inputs.tsv"
        questions = [line.split("\t")[0] for line in (data / file).read_text("utf-8").splitlines()]
        for question in questions:
            person = question[len("Where was ") : -len(" born?")]
            about = next((line.replace(person, "") for line in text if person in line), "")
            place = longest_first.search(about)
            found[question] = place[0] if place else "London"
        (into / name).write_text("".join(f"{found[question]}\n" for question in questions), encoding="utf-8")
    return found


def _fill(path: Path) -> None:
    """Replace the numbers in a params file by arbitrary ones of a usual size, and leave the rest as it is."""
    drawn = random.Random(path.name)
    with zipfile.ZipFile(path) as archive:
        entries = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            count = len(content) // 4
            numbers = struct.pack(f"<{count}f", *(drawn.gauss(0.0, 0.1) for _ in range(count)))
            archive.writestr(name, numbers if "/data/" in name else content)


# --- pieces -----------------------------------------------------------------------------------------------------------


def _clear(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _bind(path: Path) -> None:
    """A socket's file; its path may be longer than sockets take, so bind from its folder."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def _zipped(into: Path, add: Callable[[zipfile.ZipFile], object]) -> Path:
    """The upload's files and what `add` adds, as a zip beside the folder."""
    target = into.with_name(f"{into.name}.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(into.iterdir()):
            if path.is_file():
                archive.write(path, path.name)
        add(archive)
    return target


def _beside(into: Path, data: bytes) -> Path:
    target = into.with_name(f"{into.name}.zip")
    target.write_bytes(data)
    return target


def _deflated(data: bytes) -> bytes:
    import zlib

    worker = zlib.compressobj(9, zlib.DEFLATED, -15)
    return worker.compress(data) + worker.flush()


def _crc(data: bytes) -> int:
    import zlib

    return zlib.crc32(data)


def _central(name: str, data: bytes, compressed: bytes) -> bytes:
    """One entry of a zip's central directory, whose data starts at the zip's first byte."""
    fields = (b"PK\1\2", 20, 20, 0, 8, 0, 0, _crc(data), len(compressed), len(data), len(name), 0, 0, 0, 0, 0, 0)
    return struct.pack("<4sHHHHHHIIIHHHHHII", *fields) + name.encode()


def _archive(path: Path, entries: Mapping[str, bytes]) -> None:
    """A zip as torch.save lays it out."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {**entries, "version": b"3\n", "byteorder": b"little"}.items():
            archive.writestr(f"archive/{name}", data)


def _state(tensors: list[tuple[str, int, tuple[int, ...], tuple[int, ...]]]) -> bytes:
    """The pickle of a state dict: per tensor its name, its storage's elements, its shape and its strides."""
    body = b"".join(
        _text(name) + _tensor(elements, shape, strides) + b"s" for name, elements, shape, strides in tensors
    )
    return b"\x80\x02}" + body + b"."


def _tensor(elements: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    storage = (
        b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text("0") + _text("cpu") + _number(elements) + b"tQ"
    )
    hooks = b"ccollections\nOrderedDict\n)R"
    arguments = storage + _number(0) + _tuple(shape) + _tuple(strides) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _number(number: int) -> bytes:
    if -(1 << 31) <= number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    data = number.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def _tuple(numbers: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(_number, numbers)) + b"t"
