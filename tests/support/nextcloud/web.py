"""What is no WebDAV: status, OCS, login flow v2, previews."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from PIL import Image, ImageOps, UnidentifiedImageError

from tests.support.nextcloud.exchange import Answer

if TYPE_CHECKING:
    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.exchange import Request

_FULL_VERSION = {"34": "34.0.1", "33": "33.0.2", "30": "30.0.1"}
_NO_PREVIEWS = ("image/heic", "image/tiff", "application/octet-stream")


def as_json(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"})


def status(cloud: Cloud) -> Answer:
    """/status.php, which answers in maintenance, too."""
    version = _FULL_VERSION[cloud.version]
    return as_json(
        {
            "installed": True,
            "maintenance": cloud.maintenance,
            "needsDbUpgrade": False,
            "version": f"{version}.2",
            "versionstring": version,
            "edition": "",
            "productname": "Nextcloud",
            "extendedSupport": False,
        }
    )


def ocs(cloud: Cloud, request: Request, path: str) -> Answer:
    """/ocs/v2.php: who one is, what the server can, and the end of an app password."""
    if request.header("OCS-APIRequest") != "true":
        return as_json({"message": "CSRF check failed"}, 412)
    assert request.user is not None
    user = request.user
    match request.method, path:
        case "GET", "cloud/user":
            return _ocs({"id": user.uid, "display-name": user.uid, "enabled": True})
        case "GET", "cloud/capabilities":
            return _ocs(_capabilities(cloud))
        case "DELETE", "core/apppassword":
            if not request.app_password:
                return _ocs([], 403, "no app password in use")
            del user.app_passwords[request.app_password]
            return _ocs([])
    return _ocs([], 404, "Invalid query, please check the syntax")


def login(cloud: Cloud, request: Request, path: str, host: str) -> Answer:
    """/index.php/login/v2: the three steps, of which the browser does the second."""
    if request.method == "POST" and path == "":
        flow = cloud.accounts.begin(request.header("User-Agent"))
        at = f"http://{host}{cloud.folder}/login/v2"
        return as_json(
            {"poll": {"token": flow.token, "endpoint": f"{at}/poll"}, "login": f"{at}/flow/{flow.page}"}
        )
    if request.method == "POST" and path == "poll":
        token = parse_qs(request.body.decode()).get("token", [""])[0]
        done = cloud.accounts.collect(token)
        if done is None or done.user is None:
            return as_json([], 404)
        return as_json(
            {
                "server": f"http://{host}{cloud.folder}",
                "loginName": done.user.login_name,
                "appPassword": done.password,
            }
        )
    if request.method == "GET" and any(path == f"flow/{flow.page}" for flow in cloud.accounts.flows):
        return Answer(200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})
    return Answer(404)


def preview(cloud: Cloud, request: Request) -> Answer:
    """/index.php/core/preview: a small picture, upright; ``[]`` with 404 where there is none."""
    assert request.user is not None
    file_id, side = request.query.get("fileId", ""), int(request.query.get("x", "32"))
    place = cloud.tree.place_of(request.user.uid, int(file_id)) if file_id.isdecimal() else None
    if place is None or place.node.content is None or place.node.media_type in _NO_PREVIEWS:
        return as_json([], 404)
    try:
        with Image.open(io.BytesIO(place.node.content)) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, UnidentifiedImageError, ValueError):
        return as_json([], 404)
    if request.query.get("a") == "1":
        small.thumbnail((side, side))
    else:
        small = ImageOps.fit(small, (side, side))
    made = io.BytesIO()
    small.save(made, cloud.previews_as, quality=80)
    cloud.previews_made += 1
    headers = {"Content-Type": f"image/{cloud.previews_as.lower()}", "ETag": f'"{place.node.etag}"'}
    return Answer(200, made.getvalue(), headers)


def _capabilities(cloud: Cloud) -> dict[str, object]:
    version = _FULL_VERSION[cloud.version]
    major, minor, micro = map(int, version.split("."))
    enabled: dict[str, object] = {"enabled": True} if cloud.tags_enabled else {}
    return {
        "version": {"major": major, "minor": minor, "micro": micro, "string": version, "edition": ""},
        "capabilities": {"core": {"webdav-root": "remote.php/webdav"}, "systemtags": enabled},
    }


def _ocs(data: object, status: int = 200, message: str = "OK") -> Answer:
    word = "ok" if status == 200 else "failure"
    meta = {"status": word, "statuscode": status, "message": message}
    return as_json({"ocs": {"meta": meta, "data": data}}, status)
