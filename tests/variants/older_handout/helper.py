# ruff: noqa
from .model import GPT
from .dataset import NameDataset
from .trainer import Trainer, TrainerConfig

import torch
import random
random.seed(0)


def initialize_vanilla_model(mconf):
    attention_model = None
    attention_model = GPT(mconf)
    return attention_model


def initialize_perceiver_model(mconf, bottleneck_dim=32):
    attention_model = None
    mconf.perceiver = True
    mconf.bottleneck_dim = bottleneck_dim
    attention_model = GPT(mconf)
    return attention_model


def finetune(reading_params_path, finetune_corpus_path, pretrain_dataset, block_size, model, finetune_lr=6e-4, writer=None):
    trainer_obj = None
    tconf = None
    if reading_params_path is not None:
        model.load_state_dict(torch.load(reading_params_path, map_location=torch.device('cpu')))
    tconf = TrainerConfig(max_epochs=10 if reading_params_path is not None else 75,
                          batch_size=256,
                          learning_rate=finetune_lr,
                          lr_decay=True,
                          warmup_tokens=512*20,
                          final_tokens=200*len(pretrain_dataset)*block_size,
                          num_workers=4)
    with open(finetune_corpus_path, encoding='utf-8') as f:
        text = f.read()
    trainer_obj = Trainer(model, NameDataset(text, pretrain_dataset), None, tconf)
    return tconf, trainer_obj


def pretrain(pretrain_dataset, block_size, model, pretrain_lr=6e-3, writer=None):
    trainer_obj = None
    tconf = None
    tconf = TrainerConfig(max_epochs=650,
                          batch_size=128,
                          learning_rate=pretrain_lr,
                          lr_decay=True,
                          warmup_tokens=512*20,
                          final_tokens=200*len(pretrain_dataset)*block_size,
                          num_workers=4)
    trainer_obj = Trainer(model, pretrain_dataset, None, tconf)
    return tconf, trainer_obj


def train(model, writing_params_path, trainer_obj):
    trainer_obj.train()
    torch.save(model.state_dict(), writing_params_path)
