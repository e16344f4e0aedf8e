from __future__ import annotations

import copy
import gc
import json
import logging
import pickle
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognize_cli.secret import HIDDEN, Secret, redacted, without_secrets

VALUE = 'pass/wörd "42"%'


def test_only_reveal_gives_the_value() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>20}",
        f"{secret} {secret!r}",
    ]
    assert not any(VALUE in each for each in shown)
    assert all(HIDDEN in each for each in shown)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_copied(copied: object) -> None:
    with pytest.raises(TypeError, match="secret"):
        copied(Secret(VALUE))  # type: ignore[operator]
    with pytest.raises(TypeError):
        json.dumps({"password": Secret(VALUE)})


def test_equal_values_are_equal() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("\udcff") == Secret("\udcff")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert (bool(Secret("")), bool(Secret("x"))) == (False, True)


def test_a_traceback_shows_no_local_secret() -> None:
    secret = Secret(VALUE)
    try:
        raise ValueError(secret)
    except ValueError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert VALUE not in "".join(lines)
    assert secret.reveal() == VALUE


@pytest.mark.parametrize("form", [VALUE, quote(VALUE, safe=""), json.dumps(VALUE), repr(VALUE)])
def test_what_strays_into_a_text_is_hidden_while_the_secret_is_in_use(form: str) -> None:
    gc.collect()
    secret = Secret(VALUE)
    twin = Secret(VALUE)
    del secret
    assert twin
    assert redacted(f"before {form} after").replace('"', "").replace("'", "") == f"before {HIDDEN} after"
    del twin
    assert redacted(form) == form


def test_a_short_secret_does_not_spoil_every_text() -> None:
    secret = Secret("e")
    assert redacted("here") == "here"
    assert secret


@given(
    value=st.text(st.characters(exclude_characters="*"), min_size=4), around=st.tuples(st.text(), st.text())
)
def test_no_value_is_left_in_a_text(value: str, around: tuple[str, str]) -> None:
    secret = Secret(value)
    assert value not in redacted(value.join(around))
    assert secret


def test_the_log_of_the_program_hides_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    from recognize_cli.cli.logs import logging_to_stderr

    secret = Secret("open sesame")
    with logging_to_stderr(2):
        log = logging.getLogger("some.library")
        log.debug("Authorization: %s", secret.reveal())
        try:
            raise ValueError(f"bad password {secret.reveal()}")
        except ValueError:
            log.exception("it failed")
    said = capsys.readouterr().err
    assert "Authorization" in said
    assert "ValueError" in said
    assert "sesame" not in said


def test_other_programs_get_none_of_our_variables() -> None:
    environment = {"RECOGNIZE_PASSWORD": "secret", "RECOGNIZE_PASSWORD_COMMAND": "pass show", "PATH": "/bin"}
    assert without_secrets(environment) == {"PATH": "/bin"}
