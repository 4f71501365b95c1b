# ruff: noqa
"""Keyword arguments everywhere, and one function for both configurations."""
from copy import copy
import torch
from . import dataset, model as models, trainer


def _config(kind, rate, pretrain_dataset, block_size, writer=None):
    epochs, batch = {"scratch": (75, 256), "finetune": (10, 256), "pretrain": (650, 128)}[kind]
    return trainer.TrainerConfig(max_epochs=epochs, batch_size=batch, learning_rate=rate, lr_decay=True,
                                 warmup_tokens=512 * 20, num_workers=2, writer=writer,
                                 final_tokens=200 * len(pretrain_dataset) * block_size)


def initialize_vanilla_model(mconf):
    return models.GPT(mconf)


def initialize_perceiver_model(mconf, bottleneck_dim=32):
    mconf = copy(mconf)
    mconf.__dict__.update(perceiver=True, bottleneck_dim=bottleneck_dim)
    return models.GPT(config=mconf)


def finetune(reading_params_path, finetune_corpus_path, pretrain_dataset, block_size, model, finetune_lr=6e-4, writer=None):
    kind = "scratch"
    if reading_params_path:
        kind = "finetune"
        model.load_state_dict(torch.load(reading_params_path))
    tconf = _config(kind, finetune_lr, pretrain_dataset, block_size, writer)
    names = dataset.NameDataset(pretrain_dataset, open(finetune_corpus_path, "r", encoding="utf-8").read())
    return tconf, trainer.Trainer(model=model, train_dataset=names, test_dataset=None, config=tconf)


def pretrain(pretrain_dataset, block_size, model, pretrain_lr=6e-3, writer=None):
    tconf = _config("pretrain", pretrain_lr, pretrain_dataset, block_size, writer)
    return tconf, trainer.Trainer(model=model, train_dataset=pretrain_dataset, test_dataset=None, config=tconf)


def train(model, writing_params_path, trainer_obj):
    trainer_obj.config.ckpt_path = writing_params_path
    trainer_obj.train()
    trainer_obj.save_checkpoint()
