"""Section `dataset` of params.yaml."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from strata.params.section import Section


def _mirror(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if separator and scheme not in ("http", "https"):
        raise ValueError("a mirror is an http:// or https:// address, or a folder")
    if not text.strip() or not text.isprintable():
        raise ValueError("a mirror is an http:// or https:// address, or a folder")
    return text


class DatasetParams(Section):
    """Which images: a name of the catalogue, and where to look before the published places."""

    name: Literal["mnist-5k", "mnist", "fashion-mnist", "kmnist"]
    mirrors: list[Annotated[str, AfterValidator(_mirror)]]
