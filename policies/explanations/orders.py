"""What the process that explains models is told, and what it answers. Pure."""

from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

import msgspec

from policies.explanations.attributions import Attributions, Computed
from policies.explanations.formats import Format

# The package that brings the library of each format, by the name that pip knows.
PACKAGES: Mapping[Format, str] = MappingProxyType(
    {Format.XGBOOST: "xgboost-cpu", Format.LIGHTGBM: "lightgbm", Format.ONNX: "onnxruntime"}
)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to explain: where the files lie, and how."""

    model: str
    data: str
    format: Format
    asked: Computed
    memory_mib: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, or in `refused` why nothing."""

    found: Attributions | None = None
    refused: str = ""
    is_too_large: bool = False


def missing(format_: Format) -> str:
    """The package that is not installed and has to be; empty when all is there."""
    for package in (PACKAGES[format_], "numpy"):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            return package
    return ""


def versions(format_: Format) -> dict[str, str]:
    """What attributions depend on beside model, data and parameters. Raises PackageNotFoundError."""
    return {name: metadata.version(name) for name in (PACKAGES[format_], "numpy", "duckdb")}
