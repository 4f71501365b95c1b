"""A training that is killed, or whose disk is full, goes on where it stopped."""

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

SCRIPT = Path(__file__).with_name("killed.py")


def kill_all_over(source: Path, folder: Path, variant: str, optimizer: str, every: int) -> list[str]:
    """Trainings killed at every `every`-th moment; a line for each."""
    command = [sys.executable, str(SCRIPT), str(source), str(folder), variant, optimizer, str(every)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("killed at")]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork")
def test_a_training_that_was_killed_ends_as_if_it_had_not_been(source: Path, tmp_path: Path) -> None:
    lines = kill_all_over(source, tmp_path, "perceiver", "muon", 9)
    moments = int(lines[0].partition(" of ")[2].partition(":")[0])
    assert moments >= 50, "some of the steps and writes were not noticed"
    assert len(lines) >= moments // 9


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork")
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_killed_at_any_moment(source: Path, tmp_path: Path, variant: str, optimizer: str) -> None:
    lines = kill_all_over(source, tmp_path, variant, optimizer, 1)
    assert len(lines) >= 50


class Stopped(Exception):
    """Stands for whatever ends a training."""


@pytest.fixture
def begun(submission: Any, build: Any, corpus: Any, tmp_path: Path) -> Any:
    """begun(stop_at=None, **settings) seeds, trains 3 epochs of 5 documents, and is stopped by the step stop_at."""

    def begin(stop_at: int | None = None, text: str = corpus, seed: int = 1, **settings: Any) -> Any:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the stream that students' own draws may come from
        torch.manual_seed(seed)
        dataset = submission.CharCorruptionDataset(text, 48)
        model = build(vocab_size=dataset.vocab_size, block_size=48)
        tconf = submission.TrainerConfig(
            **{"max_epochs": 3, "batch_size": 2, "ckpt_path": tmp_path / "a.params", **settings}
        )
        trainer = submission.Trainer(model, dataset, None, tconf)
        step = trainer._step

        def counted(*arguments: Any) -> Any:
            if trainer.steps == stop_at:
                raise Stopped
            return step(*arguments)

        trainer._step = counted
        trainer.train()
        return trainer

    return begin


def test_it_says_where_it_goes_on_and_keeps_the_history(begun: Any, capsys: Any, tmp_path: Path) -> None:
    whole = begun().losses
    with pytest.raises(Stopped):
        begun(stop_at=7)  # in the third epoch of three steps each
    capsys.readouterr()
    assert begun().losses == whole
    said = capsys.readouterr().out
    assert re.search(r"resuming at epoch 3 of 3 \(delete .*a\.params\.resume to start anew\)", said)
    assert [path.name for path in tmp_path.iterdir()] == ["a.params"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"learning_rate": 1e-4}, {"text": "Ada Arden was born in Oslo.\nBo Bell in Lima.\nCy."}],
    ids=str,
)
def test_another_training_does_not_go_on_from_it(begun: Any, change: Any, capsys: Any) -> None:
    alone = begun(**change).losses
    with pytest.raises(Stopped):
        begun(stop_at=4)
    assert begun(**change).losses == alone
    assert "is of another training (other code, data, settings or seed): starting anew" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_as_none(begun: Any, tmp_path: Path, capsys: Any) -> None:
    whole = begun().losses
    (tmp_path / "a.params.resume").write_bytes(b"torn")
    assert begun().losses == whole
    assert "starting anew" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on file sizes is POSIX")
def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_is_whole(
    submission: Any, build: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.params"
    submission.utils.save_params(build(), path)
    before = path.read_bytes()
    script = (
        "import resource, signal, sys, torch\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from submission.utils import write_tensors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n"
        "    write_tensors({'a': torch.ones(10000)}, sys.argv[2])\n"
        "except OSError as problem:\n"
        "    print(problem)\n"
    )
    folder = Path(submission.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(path)], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(
        r"cannot write \S*a\.params \(File too large\): the file from before is unharmed, and once there is room the "
        r"same command goes on from it\n",
        done.stdout,
    )
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.params"]
