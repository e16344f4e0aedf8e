from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.config import ConfigFile, Key, Table, Wanted, nothing, read
from recognize_cli.errors import ConfigError

KEYS = {
    "max_size": Key(Wanted.QUANTITY),
    "full": Key(Wanted.SWITCH),
    "exclude": Key(Wanted.TEXT, many=True),
    "backend": Key(Wanted.TEXT, many=True, or_one=True),
}


def table(**values: object) -> Table:
    return Table("config.toml [scan]", values)


def test_dashes_and_underscores_name_the_same_key() -> None:
    assert Table("f", {"max-size": "8MiB"}).options(KEYS) == {"max_size": "8MiB"}
    assert Table("f", {"max_size": "8MiB"}).options(KEYS) == {"max_size": "8MiB"}


@pytest.mark.parametrize("value", ["small", ["small", "faces=auto"]])
def test_one_value_may_do_for_a_list(value: object) -> None:
    assert table(backend=value).options(KEYS) == {"backend": value}


def test_a_key_in_both_spellings_is_an_error() -> None:
    with pytest.raises(ConfigError, match="set twice"):
        Table("f", {"max-size": 1, "max_size": 2}).options(KEYS)


def test_an_unknown_key_names_file_key_and_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        Table("/etc/recognize.toml [scan]", {"maxsize": 1}).options(KEYS)
    assert str(caught.value) == (
        "/etc/recognize.toml [scan]: the key 'maxsize' is not known; did you mean 'max-size'?"
    )


def test_an_unknown_key_far_from_all_lists_them() -> None:
    with pytest.raises(ConfigError, match="known are backend, exclude, full, max-size"):
        table(zzz=1).options(KEYS)


def test_the_nearest_name_may_be_that_of_a_table() -> None:
    with pytest.raises(ConfigError, match="did you mean 'models'"):
        table(modles={}).options({}, tables=["models"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"full": "yes"}, "'full' must be true or false, not a string"),
        ({"full": 1}, "'full' must be true or false, not a whole number"),
        ({"max_size": True}, "'max_size' must be a string or a whole number, not true"),
        ({"max_size": 1.5}, "not a number with a fraction"),
        ({"max_size": {}}, "not a table"),
        ({"exclude": "*.tmp"}, "'exclude' must be a list, not a string"),
        ({"backend": 3}, "'backend' must be a string, not a whole number"),
        ({"backend": [3]}, "'backend' must be a list, each item a string, not a whole number"),
        ({"exclude": ["*.tmp", 3]}, "'exclude' must be a list, each item a string, not a whole number"),
    ],
)
def test_a_value_of_the_wrong_type_says_what_it_must_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        table(**values).options(KEYS)


def test_a_value_in_place_of_a_table() -> None:
    with pytest.raises(ConfigError, match="'scan' must be a table, not a whole number"):
        table(scan=3).options({}, tables=["scan"])


def test_a_name_of_both_a_key_and_a_table_is_what_its_value_is() -> None:
    rules = {"rules": Key(Wanted.TEXT)}
    assert table(rules={"check": {}}).options(rules, tables=["rules"]) == {}
    assert table(rules="my.yml").options(rules, tables=["rules"]) == {"rules": "my.yml"}


def test_keys_of_others_are_known_but_not_returned() -> None:
    assert table(catalogue=3, full=True).options(KEYS, others=["catalogue"]) == {"full": True}


def test_only_keeps_the_named_keys_as_they_are_written() -> None:
    assert Table("f", {"max-size": 1, "full": True}).only(["max_size"]).values == {"max-size": 1}


@pytest.mark.parametrize("names", [("scan",), ("models", "fetch"), ("models", "fetch", "deeper")])
def test_a_table_that_is_not_there_is_empty(names: tuple[str, ...]) -> None:
    assert ConfigFile(Path("f"), {"models": {"fetch": 3}}).table(names).values == {}


def test_tables_are_named_in_messages() -> None:
    file = ConfigFile(Path("/c.toml"), {"models": {"fetch": {"x": 1}}})
    assert file.table(("models", "fetch")).where == "/c.toml [models.fetch]"
    assert file.table().where == "/c.toml"


def test_no_file_has_nothing() -> None:
    assert nothing().table(("scan",)).options(KEYS) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"full = \n", "is not valid TOML: .*line 1"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a = 1\na = 2\n", "is not valid TOML"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="directory"):
        read(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbffull = true\n")
    assert read(path).values == {"full": True}


NAMES = st.text(string.ascii_lowercase + "-_", min_size=1, max_size=12)
TOML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(values=st.dictionaries(NAMES | st.sampled_from([*KEYS, "models"]), TOML, max_size=5))
def test_whatever_a_table_holds_is_either_right_or_named(values: dict[str, object]) -> None:
    message = None
    found: dict[str, object] = {}
    try:
        found = Table("f", values).options(KEYS, tables=["models"])
    except ConfigError as error:
        message = str(error)
    if message is None:
        assert all(KEYS[name].problem(value) is None for name, value in found.items())
        assert {key.replace("-", "_") for key in values} - {"models"} == set(found)
    else:
        assert any(repr(key) in message for key in values)
