"""Tensors to arrays, in the worker: also for subclasses that answer every question falsely."""

from __future__ import annotations

import torch

from harness.sandbox.codec import Convert
from harness.sandbox.values import Caps, CodecError


def converter(caps: Caps) -> Convert:
    """The codec's `convert` for tensors of at most `caps.body_bytes`."""

    def to_array(value: object) -> object:
        if not issubclass(type(value), torch.Tensor):
            return None
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():  # noqa: SLF001 - no public name
            plain = torch.Tensor.as_subclass(torch.Tensor.detach(value), torch.Tensor)  # type: ignore[arg-type]
            return _strided_to_array(plain, caps)

    return to_array


def _strided_to_array(tensor: torch.Tensor, caps: Caps) -> object:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type == "meta":
        raise CodecError(f"a tensor of layout {tensor.layout} on {tensor.device} cannot cross: send a dense one")
    if tensor.numel() * tensor.element_size() > caps.body_bytes:  # an expanded one claims far more than it holds
        raise CodecError(f"a tensor of {tensor.numel()} elements; at most {caps.body_bytes} bytes may cross")
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.cpu().resolve_conj().resolve_neg().contiguous().numpy()
