"""Small translators that were really trained, and the translations that they really write: see tests/trained.py.

Half a minute, once. So that so little training is enough, they learn the sentences of dev and test by heart; what
matters to the tests is that predictions are the models' own, that they are above the thresholds, and that no two
models are the same.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from harness.assignment import ROOT
from tests.modules import load_module
from tests.trained import once

SOURCE = ROOT / "reference_solution" / "src"
CODE = ("translate.py", "submission/translation.py")


def trained(data: Path) -> Path:
    """The folder of params and predictions for this data; made where there is none yet."""
    sources = (Path(__file__), *(SOURCE / name for name in CODE), *sorted(data.glob("translation_*")))
    return once(sources, lambda into: _make(_modules(), data, into))


def _modules() -> tuple[Any, Any]:
    """translate.py and translation.py, under names that no other test's can take."""
    import torch

    torch.manual_seed(0)
    names = {"translation": SOURCE / CODE[1], "translate_for_training": SOURCE / CODE[0]}
    before = {name: sys.modules.pop(name, None) for name in names}
    path = list(sys.path)
    try:
        made = [load_module(name, file) for name, file in names.items()]
    finally:
        sys.path[:] = path  # translate.py puts its folder there
        for name in names:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if module is not None})
    return made[1], made[0]


def _make(modules: tuple[Any, Any], data: Path, into: Path) -> None:
    import torch

    translate, translation = modules
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several processes may be at it
    random.seed(0)
    corpus = translate.Corpus.read(data)
    dev, test = (translate.read_pairs(data / f"translation_{split}.tsv") for split in ("dev", "test"))
    recipe = translation.Recipe(epochs=15, batch_size=16, learning_rate=4e-3)

    encoder = translation.EncoderTranslator(
        len(corpus.source), len(corpus.target), translation.Sizes(32, 4, block_size=translation.LONGEST + 1)
    )
    pairs = translate.encoder_examples(dev, corpus.source, corpus.target)
    translation.train(encoder, pairs, recipe, into / "translation.encoder.params")

    words, sizes = len(corpus.joint), translation.Sizes(64, 4)
    pairs = translate.decoder_examples([*dev, *test], corpus.joint)
    copies = translate.decoder_examples([(english, english) for _, english in dev], corpus.joint)
    scratch, pretrained = (translation.DecoderTransformer(words, sizes) for _ in range(2))
    translation.train(scratch, pairs, recipe, into / "translation.scratch.params")
    translation.train(pretrained, copies, recipe, into / "translation.pretrain.params")
    finetuned = translation.from_checkpoint(into / "translation.pretrain.params", words, sizes)
    translation.train(finetuned, pairs, recipe, into / "translation.finetune.params")
    for name, model in (("scratch", scratch), ("finetune", finetuned)):
        for split, told in (("dev", dev), ("test", test)):
            lines = translate.translate(model, corpus.joint, [french for french, _ in told])
            path = into / f"translation.{name}.{split}.predictions"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    torch.set_num_threads(threads)
