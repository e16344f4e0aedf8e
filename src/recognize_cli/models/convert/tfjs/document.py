"""Typed access to JSON files, which are untrusted: every value is checked before it is used."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, cast

from recognize_cli.models.convert.tfjs.failure import Unconvertible

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 2**31 - 1  # TensorFlow's sizes, strides and axes are int32
_DECIMAL = re.compile(r"-?[0-9]{1,10}")


def read(path: Path) -> dict[str, object]:
    """The top-level object of a JSON file; raises Unconvertible."""
    return mapping(load(path), "the top level")


def load(path: Path) -> object:
    """What a JSON file holds; raises Unconvertible."""
    try:
        content: object = json.loads(path.read_bytes())
    except OSError as error:
        raise Unconvertible(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Unconvertible(f"{path} is not valid JSON: {error}") from error
    return content


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` as an object; `where` names it in the message."""
    if not isinstance(value, dict):
        raise Unconvertible(f"{where} is not an object")
    return cast("dict[str, object]", value)


def sequence(value: object, where: str) -> list[object]:
    """`value` as a list."""
    if not isinstance(value, list):
        raise Unconvertible(f"{where} is not a list")
    return cast("list[object]", value)


def text(value: object, where: str) -> str:
    """`value` as a non-empty string that UTF-8 can carry."""
    if not isinstance(value, str) or not value:
        raise Unconvertible(f"{where} is not a text")
    if not value.isprintable():  # lone surrogates are not printable either
        raise Unconvertible(f"{where} holds characters that no name has: {value!a}")
    return value


def integer(value: object, where: str) -> int:
    """`value` as an int32; protobuf's JSON writes integers as decimal strings."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise Unconvertible(f"{where} is not a 32-bit integer")
    return value


def number(value: object, where: str) -> float:
    """`value` as a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unconvertible(f"{where} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise Unconvertible(f"{where} is not a finite number")
    return result


def shape(value: object, where: str) -> tuple[int, ...]:
    """`value` as a list of sizes, none negative."""
    sizes = tuple(integer(size, f"a size in {where}") for size in sequence(value, where))
    if any(size < 0 for size in sizes):
        raise Unconvertible(f"{where} has a negative size")
    return sizes
