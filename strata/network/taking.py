"""What is taken of a layer's output: one of several parts, some of its tokens, its maps pooled, a projection."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import nn

from strata.core import streams
from strata.core.errors import StrataError, listed
from strata.core.layers import Layer

FEWEST_SIZES = {"tokens": 3, "maps": 4}  # of (n, T, D) and (n, C, H, W)
SAME_FOR_ALL = 0  # in place of `seed`: runs that are compared have the same projections


def copied(output: Any) -> Any:
    """Return a module's output with copies of its tensors, which a later in-place operation cannot overwrite."""
    if isinstance(output, torch.Tensor):
        return output.detach().clone()
    if isinstance(output, Mapping):
        return {name: copied(value) for name, value in output.items()}
    return [copied(value) for value in output] if isinstance(output, list | tuple) else output


def batch_first(module: nn.Module, output: Any) -> Any:
    """Return a module's output with the samples first, where the module says that it has them second.

    PyTorch's recurrent networks output the last states of their layers with the samples second in any case.
    """
    if isinstance(module, nn.RNNBase) and isinstance(output, tuple) and len(output) == 2:
        steps, states = output
        if isinstance(steps, torch.Tensor) and not module.batch_first and steps.ndim == 3:
            steps = steps.transpose(0, 1)
        last = [each.transpose(0, 1) for each in (states if isinstance(states, tuple) else (states,))]
        return (steps, tuple(last) if isinstance(states, tuple) else last[0])
    if isinstance(module, nn.MultiheadAttention) and isinstance(output, tuple) and not module.batch_first:
        return (output[0].transpose(0, 1), *output[1:])
    attention = getattr(module, "self_attn", None)  # of PyTorch's transformer layers
    if isinstance(attention, nn.MultiheadAttention) and isinstance(output, torch.Tensor):
        return output if attention.batch_first else output.transpose(0, 1)
    return output


def part_of(output: Any, part: int | str | None, where: str) -> torch.Tensor:
    """Return the part of an output that is asked for; a tensor is its own only part.

    Raises StrataError, which begins with `where`, if there are several and none is chosen, or the chosen one is not
    there or is no tensor.
    """
    steps = [] if part is None else str(part).split(".")
    found = output
    for step in steps:
        inside = _parts(found)
        if step not in inside:
            raise StrataError(f"{where} {_form(output)}, without part {part}; it has {_listed(inside)}")
        found = inside[step]
    if not isinstance(found, torch.Tensor):
        within = f"{part}." if steps else ""
        names = [f"{within}{name}" for name in _parts(found)]
        hint = f"add `part`, one of {_listed(names)}" if names else "name another layer"
        raise StrataError(f"{where} {_form(found)}, not one tensor: {hint}")
    return found


def taken(
    values: torch.Tensor, layer: str, chosen: Layer, samples: int, mask: torch.Tensor | None = None
) -> NDArray[np.float32]:
    """Return what is taken of a layer's output (n, ...) for n samples, float32.

    With a mask (n, T), the mean is that of tokens whose mask is 1, and the last is the last of these. Raises
    StrataError if the samples are not first, or the output has no tokens or maps, or too few.
    """
    where = f"layer '{layer}': '{chosen}'"
    if values.ndim == 0 or len(values) != samples:
        raise StrataError(f"{where}: for {samples} samples its size is {_size(values)}; the first must be the samples")
    values = _pooled(_tokens_taken(values.float(), chosen, where, mask), chosen, where)
    array = values.cpu().numpy()
    return array if chosen.project is None else _projected(array.reshape(samples, -1), chosen.project, where)


def _tokens_taken(values: torch.Tensor, chosen: Layer, where: str, mask: torch.Tensor | None) -> torch.Tensor:
    if chosen.take in (None, "flat"):
        return values
    if values.ndim != FEWEST_SIZES["tokens"]:
        raise StrataError(f"{where}: take needs tokens (n, T, D), but the size is {_size(values)}; `pool` is for maps")
    if mask is not None and chosen.take in ("mean", "last"):
        if values.shape[1] != mask.shape[1]:
            raise StrataError(
                f"{where}: take {chosen.take} needs the mask's {mask.shape[1]} tokens, but there are {values.shape[1]}:"
                " take cls, flat, or token:0"
            )
        counts = mask.to(values.dtype)
        if chosen.take == "mean":
            return (values * counts[:, :, None]).sum(dim=1) / counts.sum(dim=1, keepdim=True)
        places = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(dim=1)
        return values[torch.arange(len(values), device=values.device), places]
    if chosen.take == "mean":
        return values.mean(dim=1)
    place = {"cls": 0, "last": -1}.get(str(chosen.take))
    place = int(str(chosen.take).removeprefix("token:")) if place is None else place
    count = values.shape[1]
    if not -count <= place < count:
        raise StrataError(f"{where}: there are {count} tokens, from 0 to {count - 1}")
    return values[:, place]


def _pooled(values: torch.Tensor, chosen: Layer, where: str) -> torch.Tensor:
    if chosen.pool is None:
        return values
    if values.ndim != FEWEST_SIZES["maps"]:
        raise StrataError(
            f"{where}: pool needs maps (n, C, H, W), but the size is {_size(values)}; `take` is for tokens"
        )
    if chosen.pool in ("mean", "max"):
        flat = values.flatten(2)
        return flat.mean(dim=2) if chosen.pool == "mean" else flat.amax(dim=2)
    height, width = (int(side) for side in chosen.pool.split("x"))
    if height > values.shape[2] or width > values.shape[3]:
        raise StrataError(f"{where}: its maps are {values.shape[2]}x{values.shape[3]}, no larger than that")
    return F.adaptive_avg_pool2d(values, (height, width))


def _projected(values: NDArray[np.float32], dimensions: int, where: str) -> NDArray[np.float32]:
    units = values.shape[1]
    if dimensions >= units:
        raise StrataError(f"{where}: the layer has {units} units, no more than that; leave out project")
    return np.ascontiguousarray((projection(units, dimensions) @ values.T).T)


@lru_cache(maxsize=32)
def projection(units: int, dimensions: int) -> csr_matrix:
    """Return a sparse random projection, float32 (dimensions, units), that keeps squared distances on average.

    One in sqrt(units) of its elements is not 0. Achlioptas 2003; Li, Hastie & Church 2006, Very
    sparse random projections.
    """
    # Imported here: it takes a second, and few networks need it.
    from sklearn.random_projection import SparseRandomProjection

    seed = streams.layer_projection(SAME_FOR_ALL, units, dimensions)
    fitted = SparseRandomProjection(dimensions, random_state=seed).fit(np.zeros((1, units), dtype=np.float32))
    return csr_matrix(fitted.components_, dtype=np.float32)


def _parts(output: Any) -> dict[str, Any]:
    if isinstance(output, Mapping):
        return {str(name): value for name, value in output.items()}
    return {str(place): value for place, value in enumerate(output)} if isinstance(output, list | tuple) else {}


def _listed(names: Any) -> str:
    return listed(names) or "no parts"


def _form(output: Any) -> str:
    if isinstance(output, Mapping):
        return f"{len(output)} named parts"
    return f"{len(output)} parts" if isinstance(output, list | tuple) else f"a {type(output).__name__}"


def _size(values: torch.Tensor) -> str:
    return " x ".join(map(str, values.shape))
