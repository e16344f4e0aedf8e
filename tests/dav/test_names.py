from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.dav.names import child_name, decoded, quoted

NAMES = st.binary(min_size=1, max_size=30).map(
    lambda raw: raw.replace(b"\0", b"x").replace(b"/", b"y").decode("utf-8", "surrogateescape")
)
PROPER = NAMES.filter(lambda name: name not in {".", ".."})


@given(st.lists(PROPER, min_size=1, max_size=4))
def test_every_path_survives_the_way_to_the_server_and_back(names: list[str]) -> None:
    path = "/" + "/".join(names)
    sent = quoted(path)
    assert sent.isascii()
    assert not set(sent) & set(' ?#"<>\\^`{|}')
    for told in (sent, _lower_escapes(sent), f"https://host:1{sent}", f"//host{sent}"):
        assert decoded(told) == path


def _lower_escapes(sent: str) -> str:
    first, *rest = sent.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a%2Bb+c%20d", "/a+b+c d"),
        ("/100%", "/100%"),
        ("/%zz", "/%zz"),
        ("/%c3%a4", "/ä"),
        ("/ä", "/ä"),
        ("/caf%E9", "/caf\udce9"),
        ("/what?.jpg", "/what?.jpg"),
        ("/a#b", "/a#b"),
        ("http://other.example:8080/x", "/x"),
        (" /x\n", "/x"),
        ("http://host", ""),
        ("/http://host/x", "/http://host/x"),
    ],
)
def test_hrefs_are_read_as_servers_mean_them(href: str, path: str) -> None:
    assert decoded(href) == path


@pytest.mark.parametrize("path", ["/a/../b", "..", "/./x", "/a/.", "/a\0b"])
def test_no_path_that_servers_resolve_is_asked_for(path: str) -> None:
    with pytest.raises(ValueError, match="no server path"):
        quoted(path)


@given(PROPER, PROPER)
def test_a_child_is_known_by_its_name(folder: str, name: str) -> None:
    for slash in ("", "/"):
        assert child_name(f"/{folder}", f"/{folder}/{name}{slash}") == name
        assert child_name(f"/{folder}/", f"/{folder}/{name}{slash}") == name
    assert child_name(f"/{folder}", f"/{folder}/") == ""


@pytest.mark.parametrize(
    "path",
    [
        "/photos/../etc",
        "/photos/..",
        "/photos/.",
        "/other/a",
        "/photosx/a",
        "/photos/a/b",
        "/",
        "",
        "photos/a",
        "/photos/a\0b",
        "/photos//a",
        "/Photos/a",
    ],
)
def test_what_is_not_directly_in_a_folder_has_no_name_there(path: str) -> None:
    assert child_name("/photos", path) is None
