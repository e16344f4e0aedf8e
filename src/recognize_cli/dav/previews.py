"""The small pictures that a Nextcloud makes of images."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from recognize_cli.dav.client import DavClient
    from recognize_cli.dav.nextcloud import Nextcloud

_SIDE: Final = "1024"
_LARGEST: Final = 8 << 20
_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Previews:
    """Fetches previews, and learns which files have none; threads share it."""

    def __init__(self, client: DavClient) -> None:
        self._client = client
        self._made: dict[str, bool] = {}  # by the end of the name, as the server decides, too

    def learn(self, name: str, has_preview: bool | None) -> None:
        """Takes in what a listing says of an image; None for nothing."""
        if has_preview is not None:
            ending = _ending(name)
            self._made[ending] = has_preview or self._made.get(ending, False)

    def fetch(self, cloud: Nextcloud, file_id: str, name: str) -> bytes | None:
        """An image file, upright, its long side at most 1024 px; None where the server makes none.

        It is a JPEG, or a PNG or WebP where an administrator wants it so, at most 8 MiB. Raises what
        `DavClient.request` raises.
        """
        if not self._made.get(_ending(name), True):
            return None
        query = {"fileId": file_id, "x": _SIDE, "y": _SIDE, "a": "1"}
        answer = self._client.request("GET", cloud.previews, query=query, limit=_LARGEST)
        return answer.body if answer.status == HTTPStatus.OK and _is_picture(answer.body) else None


def _is_picture(body: bytes) -> bool:
    return body.startswith((_JPEG, _PNG)) or (body[:4] == b"RIFF" and body[8:12] == b"WEBP")


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()
