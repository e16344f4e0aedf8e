"""What a scan is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedIOBase
    from pathlib import Path

    from recognize_cli.cli.priority import IoPriority


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What the command line, the environment and the config file say, as one value."""

    sources: tuple[str, ...]
    recognizers: tuple[str, ...]
    backend: tuple[tuple[str | None, str], ...]
    engine: tuple[tuple[str | None, str], ...]
    models: tuple[str, ...]
    landmarks_for: tuple[str, ...]
    video_objects: bool
    rules: Path | None
    scores: bool
    changed_only: bool
    ordered: bool
    format: str | None
    output: Path | None
    progress: bool | None
    catalogue: Path
    no_catalogue: bool
    full: bool
    retry: bool
    wait: bool
    ca: Path | None
    previews: bool
    downloads: int
    temporary: int | None
    push: bool
    push_to: str | None
    push_map: tuple[str, ...]
    push_people: bool
    dry_run: bool
    filters: list[tuple[bool, str]]
    one_file_system: bool
    follow_symlinks: bool
    files_from: BufferedIOBase | None
    nul: bool
    max_size: int | None
    explain: str | None
    max_duration: float | None
    timeout: float
    jobs: int | None
    threads: int | None
    batch_size: int
    gpu: int | None
    max_memory: int | None
    nice: int | None
    ionice: IoPriority | None
    offline: bool
    store: Path | None
    lock: Path | None
