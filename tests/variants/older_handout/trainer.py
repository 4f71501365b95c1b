# ruff: noqa
import math
import torch
from torch.utils.data.dataloader import DataLoader


class TrainerConfig:
    max_epochs = 10
    batch_size = 64
    learning_rate = 3e-4
    betas = (0.9, 0.95)
    grad_norm_clip = 1.0
    weight_decay = 0.1
    lr_decay = False
    warmup_tokens = 375e6
    final_tokens = 260e9
    ckpt_path = None
    num_workers = 0
    writer = None

    def __init__(self, **kwargs):
        for k, v in kwargs.items():
            setattr(self, k, v)


class Trainer:
    def __init__(self, model, train_dataset, test_dataset, config):
        self.model = model
        self.train_dataset = train_dataset
        self.test_dataset = test_dataset
        self.config = config
        self.device = 'cpu'
        if torch.cuda.is_available():
            self.device = torch.cuda.current_device()
            self.model = torch.nn.DataParallel(self.model).to(self.device)

    def save_checkpoint(self):
        if self.config.ckpt_path is not None:
            ckpt_model = self.model.module if hasattr(self.model, 'module') else self.model
            torch.save(ckpt_model.state_dict(), self.config.ckpt_path)

    def train(self):
        model, config = self.model, self.config
        raw_model = model.module if hasattr(model, 'module') else model
        optimizer = raw_model.configure_optimizers(config)
        self.tokens = 0
        for epoch in range(config.max_epochs):
            model.train(True)
            loader = DataLoader(self.train_dataset, shuffle=True, batch_size=config.batch_size, num_workers=config.num_workers)
            for x, y in loader:
                x, y = x.to(self.device), y.to(self.device)
                _, loss = model(x, y)
                loss = loss.mean()
                model.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.grad_norm_clip)
                optimizer.step()
                lr = config.learning_rate
                if config.lr_decay:
                    self.tokens += (y >= 0).sum()
                    if self.tokens < config.warmup_tokens:
                        lr *= float(self.tokens) / max(1, config.warmup_tokens)
                    else:
                        done = float(self.tokens - config.warmup_tokens) / max(1, config.final_tokens - config.warmup_tokens)
                        lr *= max(0.1, 0.5 * (1.0 + math.cos(math.pi * done)))
                for group in optimizer.param_groups:
                    group['lr'] = lr
                print(f'epoch {epoch + 1}: train loss {loss.item():.5f}. lr {lr:e}')
            self.save_checkpoint()
