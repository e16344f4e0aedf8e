"""YAML as anybody may write it, by mistake or with intent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.errors import RulesError
from recognize_cli.resources import shipped
from recognize_cli.rules import document, load_rules
from recognize_cli.rules.document import Items, Map, Text, read_document

if TYPE_CHECKING:
    from pathlib import Path

PARSERS = [parser for name in ("CSafeLoader", "SafeLoader") if (parser := getattr(yaml, name, None))]


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    """Each parser that PyYAML may have here: the one in C, and the one in Python."""
    monkeypatch.setattr(document, "_PARSER", request.param)
    return request.param


def bomb() -> str:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(layers)


HOSTILE: dict[str, tuple[str | bytes, int | None, str]] = {
    "empty": ("", None, "a rules file is a map"),
    "only a comment": ("# nothing\n", None, "a rules file is a map"),
    "a list": ("\n- tabby\n", 2, "a rules file is a map"),
    "a word": ("tabby", 1, "a rules file is a map"),
    "aliases": (bomb(), 1, "the anchor or alias 'a0': write the values out"),
    "alias": ("a: 1\nb: *a\n", 2, "the anchor or alias 'a'"),
    "merge key": ("a: {b: 1}\n<<: *x\n", 2, "anchor or alias"),
    "an object": ("a: !!python/object/apply:os.system [id]\n", 1, "the YAML tag 'tag:yaml.org,2002:python"),
    "a tag": ("a:\n  b: !!str 5\n", 2, "the YAML tag"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "a second YAML document"),
    "deep": ("[" * 100_000, 1, "nested too deeply"),
    "deep map": ("{a: " * 50_000, 1, "nested too deeply"),
    "deep block": ("".join(" " * n + "a:\n" for n in range(50)), 9, "nested too deeply"),
    "a list as key": ("[a]: b\n", 1, "a key must be a text"),
    "a map as key": ("? {a: b}\n: c\n", 1, "a key must be a text"),
    "nothing as key": ("a: b\n? \n: c\n", 2, "a key must be a text"),
    "key twice": ("a: 1\nb: {c: 1,\n  d: 2,\n  c: 3}\n", 4, "`c` is already in line 2"),
    "open bracket": ("a: 1\nb: {c: 1\n\n", 4, "a flow mapping that begins in line 2"),
    "open quote": ('a: 1\nb: "c\n\n', 4, "begins in line 2"),
    "tab": ("a:\n\tb: 1\n", 2, "this is not YAML"),
    "bad indent": ("a: 1\n b: 2\n", 2, "this is not YAML"),
    "null byte": ("a: 1\nb: \0\n", 2, "U+0000 may not be in a YAML file"),
    "escape": ("a: 1\n\nb: \x1b[31m\n", 3, "U+001B may not be in a YAML file"),
    "not utf-8": (b"a: 1\nb: \xff\n", 2, "is not UTF-8"),
    "utf-16": ("a: 1".encode("utf-16"), 1, "is not UTF-8"),
    "a photo": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1, "is not UTF-8"),
    "large": ("a: 1\n" * 300_000, None, "is larger than 1048576 bytes"),
}


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("content", "line", "problem"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_no_plain_map_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, line: int | None, problem: str
) -> None:
    path = tmp_path / "rules.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RulesError) as caught:
        read_document(path)
    place, _, message = str(caught.value).partition(": ")
    assert place == (f"{path}:{line}" if line else str(path))
    assert problem in message
    assert len(str(caught.value)) < 500


@pytest.mark.usefixtures("parser")
def test_maps_lists_and_texts_know_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_bytes(b"\xef\xbb\xbfa: {b: 'null'}\r\nc:\r\n  - d\r\n  -\r\n")
    root = read_document(path)
    a, c = root.entries["a"], root.entries["c"]
    assert isinstance(a, Map)
    assert isinstance(c, Items)
    b, (d, nothing) = a.entries["b"], c.items
    assert (b, d) == (Text(a.place, "null", plain=False), Text(d.place, "d", plain=True))
    assert (b.is_null, nothing.is_null) == (False, True)  # type: ignore[union-attr]
    assert [str(each).rpartition(":")[2] for each in (root.places["c"], d.place, b.place)] == ["2", "3", "1"]


@pytest.mark.parametrize("name", ["missing.yml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(RulesError, match="cannot be read") as caught:
        read_document(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path))


@pytest.mark.skipif(len(PARSERS) < 2, reason="PyYAML has only one parser here")
def test_both_parsers_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = []
    for each in PARSERS:
        monkeypatch.setattr(document, "_PARSER", each)
        documents.append(read_document(shipped("rules.yml")))
    assert documents[0] == documents[1]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "rules.yml"


def read_or_refuse(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(RulesError):
        load_rules(path)


SEED = """version: 1
objects:
  defaults: {threshold: 0.4}
  shared:
    cat: {label: Cat, categories: [Animal], threshold: 0.25}
  classes:
    n02123045 tabby: {see: cat}
    lynx:
      label: "Lynx"
      categories:
        - Animal
"""
pieces = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\n",
        "  ",
        "&a ",
        "*a",
        "!!int ",
        "---",
        "- ",
        "? ",
        "|",
        "'",
        '"',
        "#",
        "see",
        "\0",
    ]
)


@given(st.text())
def test_any_text_is_read_or_refused(scratch: Path, text: str) -> None:
    read_or_refuse(scratch, text)


@given(
    st.lists(st.tuples(st.integers(0, len(SEED)), pieces | st.text(max_size=3)), max_size=4), st.booleans()
)
def test_any_slip_of_the_pen_is_read_or_refused(
    scratch: Path, slips: list[tuple[int, str]], overwrite: bool
) -> None:
    text = SEED
    for position, piece in slips:
        text = text[:position] + piece + text[position + len(piece) * overwrite :]
    read_or_refuse(scratch, text)
