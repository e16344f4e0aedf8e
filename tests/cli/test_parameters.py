from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.cli.parameters import Duration, Option, PerName, Size, value_for


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1000000", 1_000_000),
        ("500k", 512_000),
        ("500 K", 512_000),
        ("5kB", 5_000),
        ("8MiB", 8 * 1024**2),
        ("8mb", 8_000_000),
        ("1.5G", 3 * 1024**3 // 2),
        ("2TiB", 2 * 1024**4),
        ("100B", 100),
        (" 7 ", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0001", "-1", "8 MiBs", "k", "MiB", "1e3", "1_000", "8i", "0x10", "٣", "9" * 40, "1.2.3k"],
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a size; write for instance 8MiB"):
        Size().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45", 45),
        ("45s", 45),
        ("0.5s", 0.5),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1H", 3600),
        ("2d", 172_800),
        ("1d1h1m1s", 90_061),
        ("366d", 366 * 86_400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "0", "0s", "-5", "1h30", "30m1h", "1m1m", "h", "1w", "5 minutes", "367d", "nan", "inf", "9" * 40],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration; write for instance 45s"):
        Duration().convert(text, None, None)


@given(number=st.integers(1, 10**15))
def test_a_bare_number_is_bytes(number: int) -> None:
    assert Size().convert(number, None, None) == number


@given(hours=st.integers(0, 99), minutes=st.integers(0, 99), seconds=st.integers(1, 99))
def test_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s"
    assert Duration().convert(text, None, None) == 3600 * hours + 60 * minutes + seconds


def test_a_value_from_a_default_is_converted_twice_unharmed() -> None:
    assert Duration().convert(Duration().convert("90m", None, None), None, None) == 5400
    assert Size().convert(Size().convert("8MiB", None, None), None, None) == 8 * 1024**2


def test_keys_and_variables_are_named_after_the_long_flag() -> None:
    context = click.Context(click.Command("scan"), info_name="scan", auto_envvar_prefix="RECOGNIZE_SCAN")
    option = Option(["-r", "--only-this", "chosen"], multiple=True)
    assert (option.name, option.key) == ("chosen", "only_this")
    assert option.variable(context) == "RECOGNIZE_SCAN_ONLY_THIS"
    assert Option(["--a"], configurable=False).variable(context) is None
    assert Option(["--a"], envvar="OTHER").variable(context) == "OTHER"


def test_a_shared_option_has_one_variable() -> None:
    top = click.Context(click.Group("recognize"), auto_envvar_prefix="RECOGNIZE")
    context = click.Context(click.Command("scan"), info_name="scan", parent=top)
    assert Option(["--catalogue"], shared=True).variable(context) == "RECOGNIZE_CATALOGUE"


BACKEND = PerName("recognizer", ("actions", "faces"), ("auto", "small"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("auto", (None, "auto")), ("small", (None, "small")), ("faces=small", ("faces", "small"))],
)
def test_values_for_everything_and_for_one_thing(text: str, value: tuple[str | None, str]) -> None:
    assert BACKEND.convert(text, None, None) == value
    assert BACKEND.convert(value, None, None) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fast", "'fast' is not one of auto, small"),
        ("", "'' is not one of auto, small"),
        ("faces=", "'' is not one of auto, small"),
        ("faces=fast", "'fast' is not one of auto, small"),
        ("Auto", "'Auto' is not one of auto, small"),
        ("musik=small", "there is no recognizer 'musik'; there are actions, faces"),
        ("=small", "there is no recognizer ''; there are actions, faces"),
        ("faces=actions=small", "there is no recognizer 'faces=actions'; there are"),
    ],
)
def test_what_is_no_value_for_anything(text: str, problem: str) -> None:
    with pytest.raises(click.BadParameter, match=problem):
        BACKEND.convert(text, None, None)


@pytest.mark.parametrize(
    ("given", "actions", "faces"),
    [
        ([], "auto", "auto"),
        (["small"], "small", "small"),
        (["small", "actions=auto"], "auto", "small"),
        (["actions=auto", "small"], "small", "small"),
        (["actions=small", "actions=auto", "faces=small"], "auto", "small"),
    ],
)
def test_the_last_value_that_is_meant_for_a_name_counts(given: list[str], actions: str, faces: str) -> None:
    values = [BACKEND.convert(each, None, None) for each in given]
    assert value_for("actions", values, "auto") == actions
    assert value_for("faces", values, "auto") == faces


def test_values_are_completed() -> None:
    option = Option(["--backend"], type=BACKEND)
    context = click.Context(click.Command("scan"))
    assert [item.value for item in BACKEND.shell_complete(context, option, "")][:3] == [
        *("auto", "small", "actions=auto")
    ]
    assert [item.value for item in BACKEND.shell_complete(context, option, "faces=s")] == ["faces=small"]
    assert option.make_metavar(context) == "[NAME=]auto|small"
