"""Trainer, checkpoints and the helper functions of the reference."""

import itertools
import random
from typing import Any

import pytest
import torch


@pytest.fixture
def pretraining(submission: Any, corpus: Any) -> Any:
    return submission.CharCorruptionDataset(corpus, 48)


@pytest.fixture
def small(build: Any, pretraining: Any) -> Any:
    """A function that makes a model for the pretraining fixture."""
    return lambda **changes: build(vocab_size=pretraining.vocab_size, block_size=48, **changes)


@pytest.fixture
def finetuning(submission: Any, pretraining: Any, tmp_path: Any, names: Any) -> Any:
    """finetuning(reading_params_path, model) calls finetune() on the five people."""
    path = tmp_path / "names.tsv"
    path.write_text(names, encoding="utf-8")
    return lambda params, model, **options: submission.finetune(params, path, pretraining, 48, model, **options)


def states_equal(first: Any, second: Any) -> Any:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_handouts_numbers_reach_the_trainer(submission: Any, pretraining: Any, small: Any, finetuning: Any) -> None:
    submission.use_preset("full")
    try:
        finetuned, _ = finetuning(None, small())
        pretrained, trainer = submission.pretrain(pretraining, 48, small())
    finally:
        submission.use_preset("laptop")
    wanted = {"lr_decay": True, "warmup_tokens": 10240, "final_tokens": 200 * 5 * 48, "betas": (0.9, 0.95)}
    wanted |= {"weight_decay": 0.1, "grad_norm_clip": 1.0}
    for name, value in {**wanted, "max_epochs": 75, "batch_size": 256, "learning_rate": 6e-4}.items():
        assert getattr(finetuned, name) == value, name
    for name, value in {**wanted, "max_epochs": 650, "batch_size": 128, "learning_rate": 6e-3}.items():
        assert getattr(pretrained, name) == value, name
    assert trainer.config is pretrained
    assert trainer.train_dataset is pretraining


@pytest.mark.parametrize("preset", ["laptop", "full"])
def test_finetuning_takes_the_recipe_of_its_case(
    submission: Any, small: Any, finetuning: Any, tmp_path: Any, preset: Any
) -> None:
    model = small()
    submission.utils.save_params(model, tmp_path / "a.params")
    chosen = submission.use_preset(preset)
    try:
        scratch, _ = finetuning(None, small())
        after, _ = finetuning(tmp_path / "a.params", small(), finetune_lr=0.5)
    finally:
        submission.use_preset("laptop")
    assert (scratch.max_epochs, scratch.batch_size) == (chosen.scratch.max_epochs, chosen.scratch.batch_size)
    assert (after.max_epochs, after.batch_size) == (chosen.finetune.max_epochs, chosen.finetune.batch_size)
    assert after.learning_rate == 0.5


def test_finetuning_starts_from_the_given_parameters(
    submission: Any, small: Any, finetuning: Any, tmp_path: Any
) -> None:
    first, second = small(), small()
    assert not states_equal(first.state_dict(), second.state_dict())
    submission.utils.save_params(first, tmp_path / "a.params")
    _, trainer = finetuning(tmp_path / "a.params", second)
    assert trainer.model is second
    assert states_equal(first.state_dict(), second.state_dict())


@pytest.mark.parametrize("case", list(itertools.product(["adamw", "muon"], [{}, {"bottleneck_dim": 30}])), ids=str)
def test_training_learns_and_the_saved_file_holds_what_was_learned(
    submission: Any, small: Any, finetuning: Any, tmp_path: Any, case: Any
) -> None:
    optimizer, changes = case
    model = small(**changes, embd_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
    tconf, trainer = finetuning(None, model, finetune_lr=1e-2)
    tconf.max_epochs, tconf.batch_size, tconf.optimizer, tconf.lr_decay = 40, 5, optimizer, False
    submission.train(model, tmp_path / "a.params", trainer)
    assert trainer.losses[0] > 2
    assert trainer.losses[-1] < 0.2
    assert [path.name for path in tmp_path.glob("a.params*")] == ["a.params"]

    state = torch.load(tmp_path / "a.params", weights_only=True)
    assert states_equal(state, model.state_dict())
    other = small(**changes)
    submission.utils.load_params(other, tmp_path / "a.params")
    x = torch.randint(2, 9, (2, 30))
    assert torch.equal(other.eval()(x)[0], model.eval()(x)[0])


def test_a_checkpoint_path_that_comes_late_is_honoured_after_each_epoch(
    submission: Any, pretraining: Any, small: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    trainer = submission.Trainer(small(), pretraining, None, submission.TrainerConfig(max_epochs=3))
    trainer.config.ckpt_path = tmp_path / "late.params"
    saved = []
    monkeypatch.setattr(trainer, "save_checkpoint", lambda: saved.append(trainer.config.ckpt_path))
    trainer.train()
    assert saved == [tmp_path / "late.params"] * 3


def test_a_failed_write_leaves_the_old_checkpoint(submission: Any, small: Any, tmp_path: Any, monkeypatch: Any) -> None:
    save_params = submission.utils.save_params
    path = tmp_path / "a.params"
    save_params(small(), path)
    before = path.read_bytes()

    def full_disk(_number: int) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(submission.utils.os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"cannot write .*a\.params \(No space left on device\): the file from before"):
        save_params(small(), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.params"]


def test_training_is_decided_by_the_seed(submission: Any, pretraining: Any, small: Any) -> None:
    def losses(seed: Any) -> Any:
        random.seed(seed)
        torch.manual_seed(seed)
        tconf, trainer = submission.pretrain(pretraining, 48, small(embd_pdrop=0.1))
        tconf.max_epochs = 3
        trainer.train()
        return trainer.losses

    assert losses(1) == losses(1) != losses(2)


def test_an_epoch_sees_every_item_once_in_trimmed_batches(submission: Any, build: Any) -> None:
    class Counted(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: Any) -> Any:
            x = torch.zeros(23, dtype=torch.long)
            x[: 1 + index % 20] = 2
            x[0] = index
            return x, (x != 0).long()

    trainer = submission.Trainer(build(), Counted(), None, submission.TrainerConfig(batch_size=8))
    batches = [(x, y) for x, y, _ in trainer._batches()]
    assert sorted(int(x[0]) for batch, _ in batches for x in batch) == list(range(50))
    assert all(x.shape == y.shape and (y[:, -1] != 0).any() for x, y in batches)
    assert sum(x.numel() for x, _ in batches) < 50 * 23 * 0.7


def test_trimming_keeps_pads_that_still_have_a_target_behind_them(submission: Any) -> None:
    last_targets = submission.trainer.last_targets
    y = torch.tensor([[0, 0, 5, 0, 7, 0], [0, 3, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    assert last_targets(y).tolist() == [5, 2, 1]


def test_the_learning_rate_climbs_falls_and_stays_at_a_tenth(submission: Any, build: Any) -> None:
    config = submission.TrainerConfig(learning_rate=1.0, lr_decay=True, warmup_tokens=100, final_tokens=300)
    trainer = submission.Trainer(build(), [], None, config)
    rates = [trainer._learning_rate(50) for _ in range(8)]
    assert rates[:2] == [0.5, 1.0]
    assert all(earlier > later for earlier, later in itertools.pairwise(rates[1:5]))
    assert rates[5:] == [0.1, 0.1, 0.1]


def test_a_misspelt_setting_is_refused_with_the_known_ones(submission: Any) -> None:
    with pytest.raises(TypeError, match=r"'max_epoch'.*batch_size.*max_epochs"):
        submission.TrainerConfig(max_epoch=3)


def test_an_unknown_preset_or_optimizer_is_refused(submission: Any, build: Any) -> None:
    with pytest.raises(ValueError, match=r"'huge'.*laptop, full"):
        submission.use_preset("huge")
    with pytest.raises(ValueError, match=r"'sgd'.*adamw or muon"):
        build().configure_optimizers(submission.TrainerConfig(optimizer="sgd"))


def test_parameters_that_do_not_fit_are_refused_with_the_reason(submission: Any, small: Any, tmp_path: Any) -> None:
    load_params = submission.utils.load_params
    with pytest.raises(ValueError, match="does not exist: run the command"):
        load_params(small(), tmp_path / "none.params")
    (tmp_path / "text.params").write_text("hello")
    with pytest.raises(ValueError, match="is not a file of parameters"):
        load_params(small(), tmp_path / "text.params")
    torch.save([1, 2], tmp_path / "list.params")
    with pytest.raises(ValueError, match="does not fit this model"):
        load_params(small(), tmp_path / "list.params")
    torch.save(small().state_dict(), tmp_path / "vanilla.params")
    with pytest.raises(ValueError, match="does not fit this model: was it trained as the same --variant"):
        load_params(small(bottleneck_dim=30), tmp_path / "vanilla.params")


def test_presets_can_be_built(submission: Any) -> None:
    for preset in submission.PRESETS.values():
        assert preset.n_embd % preset.n_head == 0
        assert preset.bottleneck_dim < preset.block_size
        assert preset.n_layer >= 2
