# ruff: noqa
from .model import GPT, GPTConfig
from .dataset import NameDataset, CharCorruptionDataset
from .trainer import Trainer, TrainerConfig
from .utils import evaluate_places, sample, set_seed
from .helper import initialize_vanilla_model, initialize_perceiver_model, finetune, pretrain, train
from .attention import CausalSelfAttention, CausalCrossAttention
