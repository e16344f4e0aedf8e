"""How `recognize bench` tells what it measured: as one JSON document, or as a table with bars."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recognize_cli import __version__
from recognize_cli.cli import checks
from recognize_cli.cli.output import styler, write_json
from recognize_cli.cli.parameters import in_short
from recognize_cli.naming import printable
from recognize_cli.resources import installed_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from recognize_cli.benching.measure import Figures
    from recognize_cli.benching.whole import Settings
    from recognize_cli.hardware import Hardware
    from recognize_cli.models.entries import ModelEntry
    from recognize_cli.models.select import Engine

_PACKAGES = (
    *("onnxruntime", "onnxruntime-gpu", "tensorflow", "openvino", "insightface", "av", "pillow", "numpy"),
)
_HEAD = (
    *("RECOGNIZER", "MODEL", "TIER", "ENGINE", "PRECISION", "DEVICE"),
    *("LOAD s", "DECODE ms", "PREPARE ms", "MODEL ms", "WAIT ms", "MEMORY MB"),
)
_LEFT = 6
"""So many columns are words; the others are numbers."""

_NARROWEST, _WIDEST = 10, 60
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a model in an engine."""

    entry: ModelEntry
    engine: Engine
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of a run.

    ``folder`` is None for made media, ``ranking`` where nothing is remembered.
    """

    hardware: Hardware
    folder: str | None
    settings: Settings
    seconds: float
    measured: Sequence[Measured]
    ranking: Path | None

    def write_json(self) -> None:
        """Writes the document to stdout."""
        cpu, libc = self.hardware.cpu, self.hardware.libc
        write_json(
            {
                "type": "bench",
                "schema": 1,
                "machine": {
                    "cpu": cpu.model,
                    "architecture": cpu.architecture,
                    "features": checks.telling_flags(cpu),
                    "cores": self.hardware.cores,
                    "memory_bytes": self.hardware.memory,
                    "libc": f"{libc.name} {libc.version}",
                    "versions": _versions(),
                },
                "folder": self.folder,
                "settings": {
                    "seconds": self.seconds,
                    "jobs": self.settings.jobs,
                    "threads": self.settings.threads,
                    "batch_size": self.settings.batch_size,
                },
                "results": [_result(each) for each in self.measured],
                "ranking": None if self.ranking is None else str(self.ranking),
            }
        )

    def write_text(self) -> None:
        """Writes the machine, a table of costs and bars of rates to stdout."""
        style, out = styler(sys.stdout), sys.stdout
        out.write(f"{style('machine', 'heading')}\n")
        for name, found in self._machine():
            out.write(f"  {name:<8} {printable(found)}\n")
        out.write(f"\n{style('an item', 'heading')} (CPU time on one thread)\n")
        for line in _table([_HEAD, *map(_row, self.measured)]):
            out.write(f"  {line}\n")
        out.write(f"\n{style('items a second', 'heading')} (all cores)\n")
        width = _bar_width(self.measured)
        for each in self.measured:
            for line in _bars(each, width, _block(sys.stdout)):
                out.write(f"  {line}\n")
        if self.ranking is not None:
            out.write(f"\nremembered for --backend auto in {printable(in_short(self.ranking))}\n")

    def _machine(self) -> Iterator[tuple[str, str]]:
        yield from ((check.name, check.found) for check in checks.machine(self.hardware))
        yield "versions", ", ".join(f"{name} {version}" for name, version in _versions().items())
        yield "media", "made on the spot" if self.folder is None else self.folder
        jobs, threads, batch_size = self.settings.jobs, self.settings.threads, self.settings.batch_size
        yield "settings", f"--jobs {jobs} --threads {threads} --batch-size {batch_size}"


def _versions() -> dict[str, str]:
    """Of this program, Python and the packages that do the work, as far as they are installed."""
    packages = ((name, installed_version(name)) for name in _PACKAGES)
    installed = {name: version for name, version in packages if version is not None}
    return {"recognize": __version__, "python": platform.python_version(), **installed}


def _result(each: Measured) -> dict[str, object]:
    figures = each.figures
    preparation = figures.preparation
    return {
        "recognizer": each.entry.recognizer,
        "model": each.entry.name,
        "tier": each.entry.tier.value,
        "engine": each.engine.name,
        "precision": each.engine.precision,
        "device": each.engine.device,
        "kind": figures.kind.value,
        "files": figures.files,
        "files_failed": figures.failed,
        "load_seconds": _rounded(figures.load),
        "decode_cpu_ms": _rounded(figures.decoding * 1e3),
        "preparation_cpu_ms": None if preparation is None else _rounded(preparation * 1e3),
        "model_cpu_ms": _rounded(figures.model * 1e3),
        "decoder_wait_ms": _rounded(figures.scan.decoder_wait * 1e3),
        "model_wait_ms": _rounded(figures.scan.model_wait * 1e3),
        "model_items_per_second": _rounded(figures.model_rate),
        "floor_items_per_second": _rounded(figures.floor),
        "scan_items_per_second": _rounded(figures.scan_rate),
        "ratio": _rounded(figures.ratio),
        "other_processes_cpu": _rounded(figures.scan.others),
        "memory_bytes": figures.memory,
        "decoders_memory_bytes": figures.decoders_memory,
    }


def _row(each: Measured) -> tuple[str, ...]:
    figures, entry, engine = each.figures, each.entry, each.engine
    preparation = "-" if figures.preparation is None else f"{figures.preparation * 1e3:.1f}"
    return (
        *(entry.recognizer, entry.name, entry.tier.value, engine.name, engine.precision, engine.device),
        f"{figures.load:.2f}",
        f"{figures.decoding * 1e3:.1f}",
        preparation,
        f"{figures.model * 1e3:.1f}",
        f"{figures.scan.decoder_wait * 1e3:.0f}+{figures.scan.model_wait * 1e3:.0f}",
        f"{figures.memory / _MB:.0f}+{figures.decoders_memory / _MB:.0f}",
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.ljust(width) if column < _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _bars(each: Measured, width: int, block: str) -> Iterator[str]:
    """The rates of the model alone, of the floor and of the scan, the greatest as long as may be."""
    figures = each.figures
    rates = {"model": figures.model_rate, "floor": figures.floor, "scan": figures.scan_rate}
    longest = max(rates.values())
    yield f"{each.entry.name} in {each.engine.name}, {each.engine.precision}, {each.engine.device}"
    for name, rate in rates.items():
        bar = block * max(1, round(width * rate / longest))
        note = f"  {figures.ratio:.2f} of the floor" if name == "scan" else ""
        yield f"  {name:<5} {bar:<{width}} {rate:8.1f}{note}"


def _bar_width(measured: Sequence[Measured]) -> int:
    """What of a line is left for bars."""
    return min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns - 40))


def _block(stream: TextIO) -> str:
    """What bars are made of: blocks where the encoding of a stream has them."""
    try:
        "█".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"


def _rounded(value: float) -> float:
    """Four digits that count."""
    return float(f"{value:.4g}")
