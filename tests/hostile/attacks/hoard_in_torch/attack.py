import torch


def attack():
    try:
        torch.zeros(1 << 38)
    except RuntimeError:
        pass
    kept = [torch.ones(4 << 20) for _ in range(64)]
    raise RuntimeError("BREACH: a gibibyte")
