"""Which weights of a file fit a network: the file's dicts, at any place, with or without a prefix of their names."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from strata.core.errors import in_short, listed

DEEPEST = 3  # dicts within dicts that are looked into
OPTIONAL = "num_batches_tracked"  # not in files before PyTorch 0.4.1; the network's own zero then stays
NAME_LONG, NAMES_LONG = 40, 50  # characters of an error
MOST_PREFIXES = 100  # that are tried in one dict


@dataclass(frozen=True)
class FittingWeights:
    """Tensors under the network's own names, where they lay in the file, and the names that stayed there."""

    place: str
    prefix: str
    state: dict[str, Any]
    left: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a person types to choose these weights: their place and prefix, joined by dots."""
        return ".".join(part for part in (self.place, self.prefix.removesuffix(".")) if part)

    def notes(self) -> list[str]:
        """Return a sentence for each thing that was done to the file's content."""
        notes = [f"taken from '{shown(self.place)}' of the file"] if self.place else []
        if self.prefix:
            notes.append(f"prefix '{shown(self.prefix)}' removed from the names")
        if self.left:
            notes.append(f"not used: {listed_names(self.left)}")
        return notes


def fitting_weights(content: Any, network: Mapping[str, Any]) -> list[FittingWeights]:
    """Return every set of weights in a file's content whose names and shapes are those of a network's state_dict."""
    return [
        FittingWeights(".".join(place), prefix, state, (*_beside(place, content), *left))
        for place, tensors in _dicts_in(content)
        for prefix in _prefixes(tensors, network)
        for state, left in [_divided(tensors, prefix)]
        if not misfit(state, network)
    ]


def misfit(state: Mapping[Any, Any], network: Mapping[str, Any]) -> str:
    """Return how names or shapes differ from a network's state_dict, in a few words, or nothing if they do not."""
    lacking = [key for key in network if key not in state and not key.endswith(OPTIONAL)]
    unknown = [key for key in state if key not in network]
    faults = [f"it lacks {listed_names(lacking)}"] if lacking else []
    if unknown:
        faults.append(f"{'the network lacks' if lacking else 'it has, but the network lacks,'} {listed_names(unknown)}")
    if faults:
        return "; ".join(faults)
    for key, expected in network.items():
        found = state.get(key, expected)
        if isinstance(expected, torch.Tensor) and not isinstance(found, torch.Tensor):
            return f"{shown(key)} is not a tensor"
        if isinstance(expected, torch.Tensor) and found.shape != expected.shape:
            return f"{shown(key)} is {_shape(found)}, but the network's {_shape(expected)}"
    return ""


def nearest_misfit(content: Any, network: Mapping[str, Any]) -> str:
    """Return how the weights that fit best differ from the network's, or what the content is if it has no weights."""
    nearest, most = "", 0
    for place, tensors in _dicts_in(content):
        for prefix in ("", _shared_prefix(tensors)):
            state, _ = _divided(tensors, prefix)
            shared = 1 + len(state.keys() & network.keys())
            if shared > most and any(isinstance(value, torch.Tensor) for value in state.values()):
                where = f"in '{shown('.'.join(place))}' " if place else ""
                nearest, most = where + misfit(state, network), shared
    return nearest or f"it has no dict of tensors, but a {type(content).__name__}"


def _dicts_in(content: Any) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Yield each dict, with the names on the way to it; those nearer to the top come first."""
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), content)])
    seen: set[int] = set()  # a small pickle can hold one dict in many places
    while waiting:
        place, found = waiting.popleft()
        if not isinstance(found, Mapping) or id(found) in seen:
            continue
        seen.add(id(found))
        yield place, found
        if len(place) < DEEPEST:
            waiting.extend(((*place, key), value) for key, value in found.items() if isinstance(key, str))


def _beside(place: Sequence[str], content: Any) -> Iterator[str]:
    """Yield the names that stand beside those on the way to a dict."""
    for key in place:
        yield from (str(other) for other in content if other != key)
        content = content[key]


def _prefixes(tensors: Mapping[Any, Any], network: Mapping[str, Any]) -> list[str]:
    """Return what stands before the network's first name, wherever a name of the file ends with it."""
    first = next((key for key in network if not key.endswith(OPTIONAL)), None)
    if first is None:
        return [""]
    ends = [key.removesuffix(first) for key in tensors if isinstance(key, str) and key.endswith(first)]
    return [end for end in ends if not end or end.endswith(".")][:MOST_PREFIXES]


def _shared_prefix(tensors: Mapping[Any, Any]) -> str:
    """Return the longest beginning, up to a dot, of all names."""
    names = [str(key) for key in tensors]
    low, high = min(names, default=""), max(names, default="")
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    return low[: low.rfind(".", 0, alike) + 1]


def _divided(tensors: Mapping[Any, Any], prefix: str) -> tuple[dict[Any, Any], tuple[str, ...]]:
    """Return what has the prefix, under names without it, and the names of the rest."""
    if not prefix:
        return dict(tensors), ()
    inside = {key: value for key, value in tensors.items() if isinstance(key, str) and key.startswith(prefix)}
    left = tuple(str(key) for key in tensors if key not in inside)
    return {key.removeprefix(prefix): value for key, value in inside.items()}, left


def listed_names(names: Sequence[Any]) -> str:
    """Return the first names of a file, and how many more there are, as text of one line."""
    return listed((shown(name) for name in names), NAMES_LONG)


def shown(name: Any) -> str:
    """Return a name of a file as text of one line, abbreviated if it is long."""
    text = str(name)[:200]
    text = text if text.isprintable() else repr(text)
    return in_short(text, NAME_LONG)


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
