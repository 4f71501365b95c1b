import torch


def attack():
    pass
_forward = GPT.forward
def _nan(self, *arguments, **more):
    logits, loss = _forward(self, *arguments, **more)
    return logits * float("nan"), None if loss is None else loss * float("nan")
GPT.forward = _nan
model.DownProjectBlock.forward = lambda self, x: x[:, : self.C.shape[1] if hasattr(self, "C") else 8] * float("nan")
model.UpProjectBlock.forward = lambda self, y, x: x * float("inf")
def _nan_init(self, config):
    torch.nn.Module.__init__(self)
    self.C = torch.nn.Parameter(torch.full((1, config.bottleneck_dim, config.n_embd), float("nan")))
model.DownProjectBlock.__init__ = _nan_init
