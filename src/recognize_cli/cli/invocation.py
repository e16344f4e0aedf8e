"""What holds for one call of the program, whatever the command: how much to say, and the config file.

It travels as Click's context object; commands seldom need it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recognize_cli.cli.settings import Settings


@dataclass(slots=True)
class Invocation:
    """Filled while the command line is parsed."""

    settings: Settings = field(default_factory=Settings)
    _flags: int = 0
    _flag_given: bool = False
    _ambient: int = 0

    def add_verbosity(self, step: int, *, flag: bool) -> None:
        """Notes a -v (positive) or -q (negative), as a flag, or from the environment or config file."""
        if flag:
            self._flags += step
            self._flag_given = True
        else:
            self._ambient += step

    @property
    def verbosity(self) -> int:
        """0 is normal, less is quieter. Flags outweigh the environment and the config file."""
        return self._flags if self._flag_given else self._ambient
