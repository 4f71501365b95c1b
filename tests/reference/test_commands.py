"""run.py: what each command writes and says, and one sentence for each input that cannot be used."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

DEV = "Where was Ada Arden born?\tOslo\nWhere was Bo Bell born?\tLima\nWhere was Cy Cole born?\tOslo\n"
Run = Callable[..., None]


@pytest.fixture
def program(source: Path, monkeypatch: Any) -> Iterator[ModuleType]:
    """run.py, with a laptop preset that trains in a moment."""
    monkeypatch.syspath_prepend(str(source))
    module = importlib.import_module("run")
    trainer = sys.modules["submission.trainer"]
    recipe = trainer.Recipe(max_epochs=3, batch_size=2, learning_rate=1e-2, decay_epochs=3)
    tiny = trainer.Preset(3, 2, 16, 64, 30, 0.0, recipe, recipe, recipe)
    monkeypatch.setitem(trainer.PRESETS, "laptop", tiny)
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] in ("submission", "run")]:
        del sys.modules[name]


@pytest.fixture
def run(program: ModuleType, tmp_path: Path, monkeypatch: Any, corpus: str, names: str) -> Run:
    """run(function, **options) runs a command in a folder with data; files are named without their folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "submission").mkdir()
    text = corpus.replace(", of all places.", ".")
    for name, content in (("wiki.txt", text), ("birth_places_train.tsv", names), ("birth_dev.tsv", DEV)):
        (tmp_path / "data" / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def command(function: str, **options: Any) -> None:
        words = [f"--{name}={value}" for name, value in options.items()]
        program.main([f"--function={function}", *words])

    return command


@pytest.fixture
def trained(run: Run) -> Run:
    """The same, with submission/a.params trained."""
    run("finetune", writing_params_path="submission/a.params")
    return run


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "submission").iterdir()}


def test_training_leaves_the_parameters_and_a_curve(trained: Run, tmp_path: Path, capsys: Any) -> None:
    assert list(listing(tmp_path)) == ["a.params"]
    curve = (tmp_path / "pictures" / "a.loss.svg").read_text(encoding="utf-8")
    assert "<svg" in curve
    trained("finetune", writing_params_path="submission/a.params")
    assert (tmp_path / "pictures" / "a.loss.svg").read_text(encoding="utf-8") == curve


def test_the_seed_decides_the_parameters(run: Run, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run("pretrain", writing_params_path=f"submission/{name}.params", seed=seed)
    files = listing(tmp_path)
    assert files["a.params"] == files["b.params"] != files["c.params"]


def test_without_matplotlib_training_says_what_is_missing(
    run: Run, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run("finetune", writing_params_path="submission/a.params")
    assert "No pictures/a.loss.svg: that needs Matplotlib (pip install matplotlib)." in capsys.readouterr().out
    assert not (tmp_path / "pictures").exists()


def test_losses_go_to_tensorboard_where_it_is_installed(run: Run, monkeypatch: Any) -> None:
    written: list[tuple[Any, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: Path) -> None:
            written.append((str(folder),))

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *problem: object) -> None:
            written.append(("closed",))

        def add_scalar(self, *values: Any) -> None:
            written.append(values)

    board = ModuleType("torch.utils.tensorboard")
    monkeypatch.setattr(board, "SummaryWriter", SummaryWriter, raising=False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    run("pretrain", writing_params_path="submission/vanilla.pretrain.params")
    assert [values[0] for values in written] == [str(Path("runs/vanilla.pretrain")), *["train/loss"] * 3, "closed"]
    assert [values[2] for values in written[1:4]] == [0, 1, 2]


def test_the_bar_tells_loss_and_speed(run: Run, tmp_path: Path, capsys: Any) -> None:
    lines = (tmp_path / "data" / "wiki.txt").read_text(encoding="utf-8").split("\n") * 6
    (tmp_path / "data" / "wiki.txt").write_text("\n".join(lines), encoding="utf-8")
    run("pretrain", writing_params_path="submission/a.params")
    last = capsys.readouterr().err.split("\r")[-1]
    assert "epoch 3, loss " in last
    assert " tokens/s" in last


def test_evaluation_explains_what_the_model_knows(trained: Run, tmp_path: Path, capsys: Any) -> None:
    files = {"vanilla.nopretrain.dev.predictions": "Rome\nRome\nRome\n", "older.dev.predictions": "Rome\n"}
    for name, content in files.items():
        (tmp_path / "submission" / name).write_text(content, encoding="utf-8")
    (tmp_path / "data" / "birth_dev.tsv").write_text(DEV + "Where was Di Bell born?\tRome\n", encoding="utf-8")
    (tmp_path / "submission" / "vanilla.nopretrain.dev.predictions").write_text("Rome\n" * 4, encoding="utf-8")
    out = "submission/vanilla.pretrain.dev.predictions"
    trained("evaluate", reading_params_path="submission/a.params", outputs_path=out, baseline_place="Oslo")

    answers = (tmp_path / out).read_text(encoding="utf-8").splitlines()
    right = sum(answer == place for answer, place in zip(answers, ("Oslo", "Lima", "Oslo", "Rome"), strict=True))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"Correct: {right} out of 4: {25 * right:.2f}%" in lines
    assert f"everyone {right} right of 4 {25 * right:.1f}%" in lines
    assert any(line.startswith("with a biography in data/wiki.txt ") and " right of 3 " in line for line in lines)
    assert any(line.startswith("with none there ") and " right of 1 " in line for line in lines)
    assert "always 'Oslo' instead 2 right of 4 50.0%" in lines
    assert f"vanilla.nopretrain {'#' * 12} 25.0%" in lines
    assert f"always Oslo {'#' * 25} 50.0%" in lines
    assert not any(line.startswith("older") for line in lines)
    assert lines[-1] != "right wrong"
    assert "<svg" in (tmp_path / "pictures" / "accuracy.dev.svg").read_text(encoding="utf-8")


def test_right_and_wrong_answers_stand_side_by_side(program: ModuleType, capsys: Any) -> None:
    program.print_examples(["Where was A born?", "Where was B born?"], ["Oslo", "Lima"], ["Oslo", "Rome"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["right", "wrong"]
    assert lines[2].split("  ")[0] == "Where was A born? Oslo"
    assert lines[2].endswith("Where was B born? Lima   (no: Rome)")


def test_questions_without_answers_are_answered_and_not_scored(trained: Run, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "data" / "birth_dev.tsv").write_text("Where was Ada born?\nWhere was Bo born?\n", encoding="utf-8")
    trained("evaluate", reading_params_path="submission/a.params", outputs_path="submission/a.test.predictions")
    output = capsys.readouterr().out
    assert "data/birth_dev.tsv tells no birth places" in output
    assert "Most frequent answers: " in output
    assert "right" not in output.replace("are right is not known", "")
    assert (tmp_path / "submission" / "a.test.predictions").read_text(encoding="utf-8").count("\n") == 2


BROKEN = [
    ("wiki.txt", "Ada Arden in Oslo\nBo \u25a1 Bell", "pretrain", "data/wiki.txt: line 2 of the text has '\u25a1', which is kept for PAD"),
    ("wiki.txt", "Ada Arden in Oslo\n\nBo Bell", "pretrain", "data/wiki.txt: line 2 of the text is empty: every line must be a document"),
    ("wiki.txt", "", "pretrain", "data/wiki.txt is empty: download it again"),
    ("wiki.txt", None, "pretrain", "data/wiki.txt does not exist"),
    ("wiki.txt", b"Ada\xff", "pretrain", "data/wiki.txt is not UTF-8 text (byte 3)"),
    ("birth_places_train.tsv", "Where was Ada born?\tOslo\nWhere was Bo born? Lima\n", "finetune", "data/birth_places_train.tsv: line 2 of the names must be a question, one tab and a place: 'Where was Bo born? Lima'"),
    ("birth_places_train.tsv", "Where was Zoe born?\tOslo\n", "finetune", "data/birth_places_train.tsv: line 1 of the names has 'Z', unknown to the pretraining text"),
    ("birth_places_train.tsv", "Where was " + "Ada " * 20 + "born?\tOslo\n", "finetune", "data/birth_places_train.tsv: line 1 of the names does not fit into 64 tokens"),
    ("birth_dev.tsv", DEV + "Where was Bo Cole born? Rome\n", "evaluate", "data/birth_dev.tsv:4: expected exactly one tab, between question and place: 'Where was Bo Cole born? Rome'"),
    ("birth_dev.tsv", "Where was Ada born?\tOslo\nWhere was Zoe born?\tRome\n", "evaluate", "data/birth_dev.tsv:2: has 'Z', which the pretraining text never has"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "function", "sentence"), BROKEN)
def test_unusable_data_are_one_sentence_and_nothing_is_written(
    trained: Run, tmp_path: Path, capsys: Any, name: str, content: Any, function: str, sentence: str
) -> None:
    path = tmp_path / "data" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = listing(tmp_path)
    options = {"writing_params_path": "submission/b.params"}
    if function == "evaluate":
        options = {"reading_params_path": "submission/a.params", "outputs_path": "submission/b.dev.predictions"}
    refuse(trained, capsys, sentence, function, **options)
    assert listing(tmp_path) == before


def refuse(run: Run, capsys: Any, sentence: str, function: str, **options: Any) -> None:
    """The command ends with status 2 and one line that begins with this sentence."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run(function, **options)
    assert ended.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("run.py: ")]
    assert len(lines) == 1
    assert lines[0].replace("\\", "/").startswith(f"run.py: {sentence}")


@pytest.mark.parametrize("function", ["finetune", "evaluate"])
def test_parameters_of_another_variant_are_refused(trained: Run, tmp_path: Path, capsys: Any, function: str) -> None:
    before = listing(tmp_path)
    options = {"variant": "perceiver", "reading_params_path": "submission/a.params"}
    out = "outputs_path" if function == "evaluate" else "writing_params_path"
    sentence = "submission/a.params does not fit this model: was it trained as the same --variant and --preset"
    refuse(trained, capsys, sentence, function, **options, **{out: "submission/b.dev.out"})
    assert listing(tmp_path) == before


def test_a_disk_that_fills_up_costs_one_epoch_and_no_file(
    run: Run, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    run("pretrain", writing_params_path="submission/whole.params")
    trainer = sys.modules["submission.trainer"]
    writes = {"left": 3}  # the parameters and the progress of epoch 1, the parameters of epoch 2

    def fsync(_number: int) -> None:
        if not writes["left"]:
            raise OSError(28, "No space left on device")
        writes["left"] -= 1

    with monkeypatch.context() as full:
        full.setattr(trainer.os, "fsync", fsync)
        sentence = "cannot write submission/a.params.resume (No space left on device): the file from before is unharmed"
        refuse(run, capsys, sentence, "pretrain", writing_params_path="submission/a.params")
    files = listing(tmp_path)
    assert set(files) == {"whole.params", "a.params", "a.params.resume"}
    torch.load(tmp_path / "submission" / "a.params", weights_only=True)

    run("pretrain", writing_params_path="submission/a.params")
    assert "resuming at epoch 2 of 3" in capsys.readouterr().out
    files = listing(tmp_path)
    assert set(files) == {"whole.params", "a.params"}
    assert files["a.params"] == files["whole.params"]


def test_a_training_that_is_interrupted_says_that_it_can_go_on(run: Run, monkeypatch: Any, capsys: Any) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["submission.trainer"].Trainer, "_step", interrupt)
    with pytest.raises(SystemExit) as ended:
        run("pretrain", writing_params_path="submission/a.params")
    assert ended.value.code == 130
    assert "goes on after its last whole epoch" in capsys.readouterr().out


@pytest.mark.parametrize(("cuda", "mps", "wanted"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_best_device_is_chosen(submission: Any, monkeypatch: Any, cuda: bool, mps: bool, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert submission.trainer.default_device() == torch.device(wanted)


@pytest.mark.parametrize(
    ("device", "triton", "compiled"), [("cuda", True, True), ("cuda", False, False), ("mps", True, False), ("cpu", True, False)]
)  # fmt: skip
def test_models_are_compiled_on_cuda_where_there_is_a_compiler(
    submission: Any, build: Any, monkeypatch: Any, device: str, triton: bool, compiled: bool
) -> None:
    calls: list[Any] = []

    def compiler(_model: Any, **options: Any) -> str:
        calls.append(options)
        return "compiled"

    monkeypatch.setattr(torch, "compile", compiler)
    monkeypatch.setattr(
        submission.trainer.importlib.util, "find_spec", lambda name: triton if name == "triton" else None
    )
    model = build()
    forward = submission.trainer.fast_forward(model, torch.device(device))
    assert forward == ("compiled" if compiled else model)
    assert calls == ([{"dynamic": True}] if compiled else [])


@pytest.mark.parametrize(
    ("device", "capabilities", "wanted"),
    [
        ("cpu", {"avx2": True}, False),
        ("cpu", {"avx512_f": True, "avx512_bf16": True}, True),
        ("cpu", {"amx_bf16": True}, True),
        ("mps", {"avx512_bf16": True}, False),
    ],
)
def test_bfloat16_is_for_processors_that_have_it(
    submission: Any, monkeypatch: Any, device: str, capabilities: dict[str, bool], wanted: bool
) -> None:
    monkeypatch.delenv("BFLOAT16", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert submission.trainer.fast_bfloat16(torch.device(device)) is wanted


@pytest.mark.parametrize("supported", [True, False])
def test_bfloat16_is_for_gpus_that_have_it(submission: Any, monkeypatch: Any, supported: bool) -> None:
    monkeypatch.delenv("BFLOAT16", raising=False)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda *, including_emulation: supported and not including_emulation
    )
    assert submission.trainer.fast_bfloat16(torch.device("cuda")) is supported


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_bfloat16_can_be_switched_off(submission: Any, monkeypatch: Any, device: str) -> None:
    monkeypatch.delenv("BFLOAT16", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert submission.trainer.fast_bfloat16(torch.device(device)) is True
    monkeypatch.setenv("BFLOAT16", "off")
    assert submission.trainer.fast_bfloat16(torch.device(device)) is False


@pytest.mark.parametrize("bfloat16", [True, False])
def test_muon_is_pytorchs_own(submission: Any, monkeypatch: Any, bfloat16: bool) -> None:
    monkeypatch.setattr(submission.trainer, "fast_bfloat16", lambda _device: bfloat16)
    settings: dict[str, Any] = {"lr": 1e-2, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    shapes = [(16, 16), (16, 64), (64, 16), (16, 16), (16, 64)]
    ours, theirs = [[torch.nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2)]
    optimizers = submission.trainer.Muon(ours, **settings), torch.optim.Muon(theirs, **settings)
    for _ in range(5):
        for first, second in zip(ours, theirs, strict=True):
            first.grad = torch.randn(first.shape)
            second.grad = first.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    exact: dict[str, Any] = {"rtol": 0.0, "atol": 0.0} if bfloat16 else {"rtol": 0.0, "atol": 3e-3}
    for first, second in zip(ours, theirs, strict=True):
        torch.testing.assert_close(first, second, **exact)
