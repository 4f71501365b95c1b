"""Decoding with a key/value cache gives, token for token, what the plain loop of sample() gives."""

import importlib
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.assignment import ROOT
from tests.judging import cases

TRAINED = ROOT / "build" / "reference_upload"
QUESTIONS = [
    "Where was Ada Arden born?",
    "Where was Bo Bell born?",
    "Where was Cy Cole born?",
    "Where was Di Drew Dunn born?",
    "Where was Ed Eve born?",
    "Where was Bo Cole born?",
]
SHAPES: list[dict[str, Any]] = [{}, {"bottleneck_dim": 30}, {"bottleneck_dim": 5, "n_layer": 2}]


@pytest.fixture
def dataset(submission: Any, corpus: Any) -> Any:
    return submission.CharCorruptionDataset(corpus, 48)


def scramble(model: Any) -> Any:
    """A new model repeats itself; large weights make it write all kinds of things."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def alone(submission: Any, model: Any, prompts: list[list[int]], steps: int) -> list[list[int]]:
    """What the plain loop adds to each of the prompts, one after the other."""
    return [submission.sample(model, torch.tensor([prompt]), steps)[0, len(prompt) :].tolist() for prompt in prompts]


def forwards(model: Any) -> list[tuple[int, ...]]:
    """The shapes of the token tensors that the model is asked about from now on."""
    shapes: list[tuple[int, ...]] = []
    model.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))
    return shapes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answers_are_those_of_the_plain_loop(submission: Any, build: Any, dataset: Any, shape: Any) -> None:
    model = scramble(build(vocab_size=dataset.vocab_size, block_size=48, **shape))
    answers = submission.utils.answer_questions(model, QUESTIONS, dataset, batch_size=2)

    for question, answer in zip(QUESTIONS, answers, strict=True):
        x = torch.tensor([[dataset.stoi[char] for char in question + dataset.MASK_CHAR]])
        completion = "".join(dataset.itos[int(token)] for token in submission.sample(model, x, 32)[0])
        assert answer == completion.split(dataset.MASK_CHAR)[1].replace("\n", " ")
    assert len(set(answers)) > 1


@pytest.mark.parametrize(("shape", "length"), list(itertools.product(SHAPES, [1, 6, 31, 48, 50])), ids=str)
def test_prompts_of_every_length_go_on_as_in_the_plain_loop(
    submission: Any, build: Any, shape: Any, length: int
) -> None:
    model = scramble(build(block_size=48, **shape))
    assert submission.utils.can_cache(model)
    x = torch.randint(2, 20, (2, length))
    assert submission.utils.greedy_tokens(model, x.tolist(), 36, stop=-1) == alone(submission, model, x.tolist(), 36)


@pytest.mark.parametrize(("shape", "cached"), list(itertools.product(SHAPES, [True, False])), ids=str)
def test_prompts_of_different_lengths_are_answered_together(
    submission: Any, build: Any, shape: Any, cached: bool
) -> None:
    model = scramble(build(block_size=48, **shape))
    prompts = [torch.randint(2, 20, (length,)).tolist() for length in (7, 30, 1, 44, 7, 12)]
    together = submission.utils.greedy_tokens(model, prompts, 20, stop=-1, cached=cached)
    assert together == alone(submission, model, prompts, 20)
    stop = together[1][3]
    stopped = submission.utils.greedy_tokens(model, prompts, 20, stop=stop, cached=cached)
    assert stopped == [row[: row.index(stop) + 1] if stop in row else row for row in together]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_new_token_is_computed_alone_until_the_block_is_full(submission: Any, build: Any, shape: Any) -> None:
    model = scramble(build(block_size=24, **shape | {"bottleneck_dim": 5} if "bottleneck_dim" in shape else shape))
    shapes = forwards(model)
    submission.utils.greedy_tokens(model, torch.randint(2, 20, (2, 20)).tolist(), 7, stop=-1, cached=True)
    batches = [shape for shape in shapes if shape[0] == 2]
    assert batches == [(2, 20), (2, 1), (2, 1), (2, 1), (2, 1), (2, 24), (2, 24)]


def test_the_model_is_left_as_it_was(submission: Any, build: Any) -> None:
    model = build(bottleneck_dim=9)
    x = torch.randint(2, 20, (2, 12))
    before, scores = {name: each.clone() for name, each in model.state_dict().items()}, model(x)[0]
    submission.utils.greedy_tokens(model, x.tolist(), 10, stop=-1)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert torch.equal(model(x)[0], scores)


def test_scores_too_close_to_call_are_left_to_the_plain_loop(submission: Any, build: Any) -> None:
    model = build()
    torch.nn.init.zeros_(model.head.weight)  # every token is as likely as any other
    model.head.weight.data[7:9] = 1.0
    x = torch.randint(2, 20, (2, 12))
    shapes = forwards(model)
    tokens = submission.utils.greedy_tokens(model, x.tolist(), 3, stop=-1, cached=True)
    assert tokens == submission.sample(model, x, 3)[:, 12:].tolist()
    assert (1, 12) in shapes  # sample() was asked about a single row


def test_attention_that_cannot_be_cached_is_decoded_without(submission: Any, build: Any, monkeypatch: Any) -> None:
    model = scramble(build(block_size=48))
    layer = type(model.blocks[0].attn)

    def of_its_own(self: Any, q: Any, k: Any, v: Any) -> Any:
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)  # no mask to shift
        return self.proj(y.transpose(1, 2).flatten(2))

    monkeypatch.setattr(layer, "attend", of_its_own)
    assert not submission.utils.can_cache(model)
    x = torch.randint(2, 20, (3, 20))
    tokens = submission.utils.greedy_tokens(model, x.tolist(), 30, stop=-1)
    assert tokens == submission.sample(model, x, 30)[:, 20:].tolist()


def model_cases() -> list[Any]:
    """Every mutant and variant whose model is not the reference's."""
    found = [*cases.load_all(cases.MUTANTS), *cases.load_all(cases.VARIANTS)]
    wanted = [case for case in found if {"model.py", "attention.py"} & set(case.sources)]
    return [pytest.param(case, id=case.name) for case in wanted if "utils.py" not in case.sources]


@pytest.mark.parametrize("case", model_cases())
def test_other_ways_to_write_the_model_are_decoded_as_by_their_own_plain_loop(case: Any, tmp_path: Path) -> None:
    folder = case.build(tmp_path / "submission")
    sys.path.insert(0, str(folder.parent))
    try:
        try:
            other = importlib.import_module("submission")
            model = other.initialize_perceiver_model(other.GPTConfig(20, 24, n_layer=4, n_head=2, n_embd=16), 9)
            model = scramble(model.eval())
            model(torch.zeros(2, 12, dtype=torch.long))
        except Exception as problem:  # noqa: BLE001 - mutants fail in their own ways
            pytest.skip(f"cannot run at all: {problem!r}")
        x, cached = torch.randint(2, 20, (3, 12)), other.utils.can_cache(model)
        torch.manual_seed(1)  # one mutant draws while it evaluates
        tokens = other.utils.greedy_tokens(model, x.tolist(), 20, stop=-1, cached=cached)
        torch.manual_seed(1)
        assert tokens == other.sample(model, x, 20)[:, 12:].tolist()
    finally:
        sys.path.remove(str(folder.parent))
        for name in [name for name in sys.modules if name.split(".")[0] == "submission"]:
            del sys.modules[name]


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_trained_models_answer_as_in_the_plain_loop(submission: Any, source: Path, data: Path, variant: str) -> None:
    params = TRAINED / f"{variant}.finetune.params"
    if not params.is_file():
        pytest.skip("the reference is not trained: make reference")
    preset = submission.use_preset("laptop")
    text = submission.dataset.read_text(data / "wiki.txt")
    dataset = submission.CharCorruptionDataset(text, preset.block_size)
    sizes = {"n_layer": preset.n_layer, "n_head": preset.n_head, "n_embd": preset.n_embd}
    config = submission.GPTConfig(dataset.vocab_size, preset.block_size, **sizes)
    vanilla = variant == "vanilla"
    model = (
        submission.initialize_vanilla_model(config)
        if vanilla
        else submission.initialize_perceiver_model(config, preset.bottleneck_dim)
    )
    try:
        submission.utils.load_params(model, params)
    except submission.utils.ParamsError:
        pytest.skip("the reference was trained with other sizes: make reference")
    questions = submission.utils.read_questions(data / "birth_test_inputs.tsv", dataset)[:8]
    answers = submission.utils.answer_questions(model, questions, dataset)
    for question, answer in zip(questions, answers, strict=True):
        x = torch.tensor([[dataset.stoi[char] for char in question + dataset.MASK_CHAR]])
        completion = "".join(dataset.itos[int(token)] for token in submission.sample(model, x, 32)[0])
        assert answer == completion.split(dataset.MASK_CHAR)[1].replace("\n", " ")


def test_decoding_stops_once_every_row_has_stopped(submission: Any, build: Any, dataset: Any) -> None:
    model = build(vocab_size=dataset.vocab_size, block_size=48)
    x = torch.randint(2, dataset.vocab_size, (1, 5))
    first = int(submission.utils.sample(model, x, 1)[0, -1])
    shapes = forwards(model)
    assert submission.utils.greedy_tokens(model, x.tolist(), 9, stop=first, cached=True) == [[first]]
    assert len(shapes) == 1
