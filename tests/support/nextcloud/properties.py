"""The DAV properties of files, folders and tags."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

from tests.support.nextcloud.multistatus import DAV, NC, OC, escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.nextcloud.cloud import Cloud
    from tests.support.nextcloud.tags import Tag
    from tests.support.nextcloud.tree import Place

_PREVIEWED = ("image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp")


def file_properties(cloud: Cloud, uid: str, place: Place, names: Iterable[str]) -> dict[str, str | None]:
    """The values, in XML, of properties of a file or folder; None for one that it does not have."""
    return {name: _of_file(cloud, uid, place, name) for name in names}


def _of_file(cloud: Cloud, uid: str, place: Place, name: str) -> str | None:
    node = place.node
    match name:
        case "{DAV:}getetag":
            return f"&quot;{cloud.tree.etag(uid, place)}&quot;"
        case "{DAV:}getlastmodified":
            return formatdate(node.mtime, usegmt=True)
        case "{DAV:}resourcetype":
            return "<d:collection/>" if node.is_folder else ""
        case "{DAV:}displayname":
            return escape(place.path.rpartition("/")[2] or uid)
        case "{DAV:}getcontentlength" if not node.is_folder:
            return str(node.size)
        case "{DAV:}getcontenttype" if not node.is_folder:
            return node.media_type
    return _own(cloud, place, name, uid) if name.startswith((OC, NC)) else None


def _own(cloud: Cloud, place: Place, name: str, uid: str) -> str | None:
    node = place.node
    match name.removeprefix(OC).removeprefix(NC):
        case "fileid":
            return str(node.id)
        case "id":
            return f"{node.id:08d}octest"
        case "size":
            return str(node.size)
        case "permissions":
            return place.permissions
        case "owner-id":
            return escape(node.owner)
        case "has-preview":
            return "true" if node.media_type in _PREVIEWED else "false"
        case "mount-type":
            return "external" if cloud.tree.is_external(node) else "shared" if place.share else ""
        case "system-tags" if cloud.tags_enabled:
            return "".join(map(_worn, _visible(cloud, uid, cloud.tags.of_file(node.id))))
    return None


def _worn(tag: Tag) -> str:
    allowed = "true" if tag.assignable else "false"
    return (
        f'<nc:system-tag oc:id="{tag.id}" oc:can-assign="{allowed}" oc:user-assignable="{allowed}"'
        f' oc:user-visible="{str(tag.visible).lower()}">{escape(tag.name)}</nc:system-tag>'
    )


def _visible(cloud: Cloud, uid: str, tags: Iterable[Tag]) -> list[Tag]:
    admin = cloud.accounts.users[uid].admin
    return [tag for tag in tags if tag.visible or admin]


def tag_properties(tag: Tag, names: Iterable[str], *, admin: bool) -> dict[str, str | None]:
    """The values, in XML, of properties of a tag."""
    known = {
        f"{OC}id": str(tag.id),
        f"{OC}display-name": escape(tag.name),
        f"{OC}user-visible": str(tag.visible).lower(),
        f"{OC}user-assignable": str(tag.assignable).lower(),
        f"{OC}can-assign": str(tag.assignable or admin).lower(),
        f"{DAV}getetag": f"&quot;{tag.etag}&quot;",
        f"{DAV}resourcetype": "",
        f"{NC}object-ids": "".join(
            f"<nc:object-ids><nc:id>{each}</nc:id><nc:type>files</nc:type></nc:object-ids>"
            for each in sorted(tag.files)
        ),
    }
    return {name: known.get(name) for name in names}
