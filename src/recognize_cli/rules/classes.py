"""The classes of a model by the words that people write for them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recognize_cli.labels import Label

_WITH_ID = re.compile(r"(n\d{8})(?:\s+(.+))?", re.ASCII)


class Classes:
    """Finds classes by id (``n02123045``), by name (``tabby``) or by both (``n02123045 tabby``).

    Where a list has no ids, there are only the names.
    """

    def __init__(self, labels: Sequence[Label]) -> None:
        self.labels = labels
        self._by_id = {label.id: label for label in labels if label.id}
        self._by_name: dict[str, list[Label]] = {}
        for label in labels:
            self._by_name.setdefault(label.name.lower(), []).append(label)

    def matching(self, key: str) -> Sequence[Label]:
        """The classes that a key names, in upper or lower case: none, one, or several of one name."""
        match = _WITH_ID.fullmatch(key)
        if match is None:
            return self._by_name.get(key.lower(), ())
        label = self._by_id.get(match[1])
        if label is None or (match[2] or label.name).lower() != label.name.lower():
            return ()
        return (label,)

    def nearest(self, key: str) -> list[str]:
        """Up to three classes that somebody may have meant by a key that names none."""
        match = _WITH_ID.fullmatch(key)
        if match and (label := self._by_id.get(match[1])):
            return [str(label)]
        names = difflib.get_close_matches((match[2] if match else key) or "", self._by_name, n=3)
        return [str(label) for name in names for label in self._by_name[name]]
