"""Everything that run.py, the notebook and the grader use, under one name."""

from .attention import CausalCrossAttention, CausalSelfAttention
from .dataset import CharCorruptionDataset, NameDataset
from .helper import finetune, initialize_perceiver_model, initialize_vanilla_model, pretrain, train
from .model import GPT, GPTConfig
from .trainer import PRESETS, Trainer, TrainerConfig, current_preset, use_preset
from .utils import evaluate_places, sample

__all__ = [
    "GPT",
    "PRESETS",
    "CausalCrossAttention",
    "CausalSelfAttention",
    "CharCorruptionDataset",
    "GPTConfig",
    "NameDataset",
    "Trainer",
    "TrainerConfig",
    "current_preset",
    "evaluate_places",
    "finetune",
    "initialize_perceiver_model",
    "initialize_vanilla_model",
    "pretrain",
    "sample",
    "train",
    "use_preset",
]
