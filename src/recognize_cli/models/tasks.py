"""Reads from models.lock what a model does, and how it wants its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognize_cli.models.entries import Classifier, Faces, InputSpec, Landmarks, Tagger, Video
from recognize_cli.models.table import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from recognize_cli.models.entries import Task
    from recognize_cli.models.table import Table

_LARGEST_SIDE = 4096
_LARGEST_DISTANCE = 100.0
_MOST_CLIPS, _LONGEST_CLIP, _HIGHEST_RATE = 64, 1024, 60.0
_LARGEST_VIDEO = 1 << 26  # bytes of all clips of a video together: what decoders may hand over


def task_of(recognizer: str, table: Table) -> Task:
    """What a model in the table of one does for its recognizer; raises TableError."""
    return _TASKS.get(recognizer, _classifier)(table)


def _classifier(table: Table) -> Classifier:
    return Classifier(
        labels=table.text("labels", NAME),
        scores=table.choice("scores", "logits", "probabilities"),
        input=_input(table.table("input")),
    )


def _faces(table: Table) -> Faces:
    table = table.table("faces")
    faces = Faces(distance=table.number("distance", 0, _LARGEST_DISTANCE))
    table.close()
    return faces


def _tagger(table: Table) -> Tagger:
    return Tagger(labels=table.text("labels", NAME))


def _video(table: Table) -> Video:
    labels, table = table.text("labels", NAME), table.table("video")
    side = table.integer("side", 1, _LARGEST_SIDE)
    video = Video(
        labels=labels,
        side=side,
        resample=table.choice("resample", "bicubic", "bilinear"),
        rate=table.number("rate", 0, _HIGHEST_RATE),
        length=table.integer("length", 1, _LONGEST_CLIP),
        count=table.integer("count", 1, _MOST_CLIPS),
        short_side=table.integer("short_side", side, _LARGEST_SIDE) if "short_side" in table else None,
    )
    if (size := 3 * side * side * video.length * video.count) > _LARGEST_VIDEO:
        raise table.error("count", f"all clips together take {size} bytes, more than {_LARGEST_VIDEO}")
    table.close()
    return video


_TASKS: dict[str, Callable[[Table], Task]] = {
    "actions": _video,
    "faces": _faces,
    "music": _tagger,
    "landmarks": lambda _table: Landmarks(),
}
"""What the models of a recognizer do; those of any other one are classifiers."""


def _input(table: Table) -> InputSpec:
    dtype = table.choice("dtype", "uint8", "float32")
    size = table.integer("size", 1, _LARGEST_SIDE)
    normalised = dtype == "float32"
    spec = InputSpec(
        size=size,
        channels=table.choice("channels", "RGB", "BGR"),
        layout=table.choice("layout", "NHWC", "NCHW"),
        dtype=dtype,
        resample=table.choice("resample", "bicubic", "bilinear"),
        short_side=table.integer("short_side", size, _LARGEST_SIDE) if "short_side" in table else None,
        mean=table.three_numbers("mean") if normalised else None,
        std=table.three_numbers("std") if normalised else None,
    )
    if spec.std is not None and min(spec.std) <= 0:
        raise table.error("std", "must be greater than 0")
    table.close()
    return spec
