"""The page as text: what it says, and that nothing in it can be anything but text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from recognize_cli.naming import printable
from recognize_cli.review.page import Pair
from recognize_cli.review.render import render
from tests.review.making import cell, page, person

EVIL = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\n\x1b[2J\u202e\udcff\u2028"
names = st.one_of(
    st.text(st.characters(categories=["L", "N", "P", "S", "Z", "C"]), min_size=1, max_size=20),
    st.sampled_from([EVIL, "{{ 7 * 7 }}", "{% raw %}", "]]>", "<!--", "-->", "`", "&lt;"]),
)


class Page(HTMLParser):
    """Every tag with its attributes, and the text within each kind of tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "img", "input"}:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, "every tag is closed in turn"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def full_page(name: str, file: str) -> str:
    """A page that says both at every place where it says such things."""
    cells = tuple(cell(id, file, person=12, person_name=name, doubts=("blurred",)) for id in range(30))
    ann, other = person(12, name, *cells), person(13, None, cell(99, file, thumbnail=""))
    somebody = person(4000, name, cell(100, file, link=""))
    return render(
        page(
            ann,
            other,
            pairs=(Pair(ann, somebody, 0.31),),
            unsure=cells[:2],
            nobody=(cell(77, file),),
            unsure_count=500,
            nobody_count=600,
            people_count=700,
            catalogue=file,
            catalogue_option=f"--catalogue {file}",
        )
    )


HARMLESS = Page(full_page("Ann", "a.jpg"))


@settings(max_examples=40, deadline=None)
@given(names, names)
def test_whatever_a_name_is_it_stays_text(name: str, file: str) -> None:
    hostile = Page(full_page(name, file))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in HARMLESS.tags]
    assert [list(attributes) for _, attributes in hostile.tags] == [
        list(attributes) for _, attributes in HARMLESS.tags
    ]
    assert {text.strip() for text in hostile.texts["h3"] + hostile.texts["a"]} >= {printable(name).strip()}
    assert {image["alt"] for image in hostile.of("img")} == {printable(file)}
    assert {each["data-name"] for each in hostile.of("li") if "data-name" in each} == {printable(name), ""}
    assert hostile.of("body")[0]["data-option"] == f"--catalogue {printable(file)}"
    assert hostile.texts["script"] == HARMLESS.texts["script"]


def test_the_evil_name_can_be_encoded_and_has_nothing_that_acts() -> None:
    html = full_page(EVIL, EVIL)
    html.encode()
    assert not set("\x1b\u202e\u2028") & set(html)
    assert "onerror=alert(1)>" not in html


def test_the_policy_allows_this_script_this_style_and_pictures_from_disk() -> None:
    html = full_page("Ann", "a.jpg")
    found = Page(html)
    (policy,) = (meta["content"] for meta in found.of("meta") if "http-equiv" in meta)
    assert policy is not None
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    for tag in ("script", "style"):
        (text,) = found.texts[tag]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == f"'sha256-{digest}'"
    assert directives["default-src"] == directives["base-uri"] == directives["form-action"] == "'none'"
    assert directives["img-src"] == "'self' file: data:"
    assert len(found.of("script")) == len(found.of("style")) == 1


def test_nothing_is_inline_and_nothing_is_elsewhere() -> None:
    found = Page(full_page("Ann", "a.jpg"))
    attributes = {name for _, each in found.tags for name in each}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    urls = {each.get("src") or each.get("href") for tag, each in found.tags if tag in {"img", "a", "link"}}
    assert all(re.match(r"file:///|thumbs/|#|data:,", url or "") for url in urls), urls


def test_it_says_what_is_not_shown() -> None:
    text = full_page("Ann", "a.jpg")
    for words in ("698 people", "498 more are not shown", "599 more are not shown"):
        assert words in text
    few = render(page(replace(person(1, None), faces=90)))
    assert "89 faces are not shown" in few


def test_an_empty_catalogue_has_a_page_too() -> None:
    assert "recognize faces cluster" in render(page())


def test_pictures_are_loaded_late_and_lie_beside_the_page() -> None:
    images = Page(full_page("Ann", "a.jpg")).of("img")
    assert {image["loading"] for image in images} == {"lazy"}
    assert all((image["src"] or "").startswith("thumbs/") for image in images)


def test_ten_thousand_faces_make_a_small_page() -> None:
    path = "file:///home/ann/Pictures/2024/Summer%20in%20the%20Alps/IMG_20240712_101112.jpg"
    people = [
        person(id, None, *(cell(id * 1000 + n, "IMG_20240712_101112.jpg", link=path) for n in range(40)))
        for id in range(1, 251)
    ]
    assert len(render(page(*people)).encode()) < 5_000_000
