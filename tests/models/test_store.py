"""What counts as installed, and what is noticed when it is not what was installed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import HashMismatch, ModelMissing
from recognize_cli.models import convert, hashing
from recognize_cli.models.hashing import files_digest, fingerprint, git_blob_id
from recognize_cli.models.store import MANIFEST, Store, default_root
from tests.models.making import locked, made_entry

if TYPE_CHECKING:
    from recognize_cli.models.entries import ModelEntry

DATA = b"a model"
ENTRY = made_entry(locked("model.onnx", DATA))


def install(store: Store, entry: ModelEntry = ENTRY, data: bytes = DATA) -> Path:
    with store.locked(entry), store.installing(entry) as output:
        output.write_bytes(data)
    return store.model_path(entry)


def test_an_empty_store_is_not_even_created(store: Store) -> None:
    assert not store.installed(ENTRY)
    with pytest.raises(ModelMissing, match="the model made is not installed"):
        store.open_model(ENTRY)
    assert not store.root.exists()


def test_opens_what_was_installed(store: Store) -> None:
    path = install(store)
    assert store.installed(ENTRY)
    model = store.open_model(ENTRY)
    assert model.path == path
    assert path.read_bytes() == DATA
    assert model.fingerprint == fingerprint(ENTRY)
    assert model.entry == ENTRY
    assert len(model.labels) == 1000
    assert (model.labels[281].id, model.labels[281].name) == ("n02123045", "tabby")


def test_leaves_nothing_lying_about(store: Store) -> None:
    store.staging(ENTRY).joinpath("leftover").write_bytes(b"x")
    install(store)
    files = {path.relative_to(store.root).parts[-1] for path in store.root.rglob("*") if path.is_file()}
    assert files == {"model.onnx", "manifest.json", "made.lock"}


def test_a_changed_byte_is_a_mismatch_with_both_digests(store: Store) -> None:
    path = install(store)
    path.write_bytes(b"b model")
    assert store.installed(ENTRY)
    with pytest.raises(HashMismatch) as caught:
        store.open_model(ENTRY)
    message = str(caught.value)
    assert str(path) in message
    assert locked("x", DATA).checksum in message
    assert locked("x", b"b model").checksum in message
    assert "recognize models fetch made" in message


def test_a_conversion_that_fails_installs_nothing(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.installing(ENTRY):
        pass  # nothing is written
    assert not store.installed(ENTRY)
    assert not store.directory(ENTRY).exists()


@pytest.mark.parametrize("name", ["model.onnx", MANIFEST])
def test_a_folder_that_lacks_a_file_is_not_installed(store: Store, name: str) -> None:
    install(store).with_name(name).unlink()
    assert not store.installed(ENTRY)
    with pytest.raises(ModelMissing):
        store.verify(ENTRY)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"fingerprint": 1}',
        '{"fingerprint": "x", "model": 1}',
        "\ud800",
    ],
)
def test_a_manifest_of_nonsense_is_not_installed(store: Store, manifest: str) -> None:
    install(store).with_name(MANIFEST).write_bytes(manifest.encode("utf-8", "surrogatepass"))
    assert not store.installed(ENTRY)


def test_a_manifest_of_another_model_is_not_installed(store: Store) -> None:
    path = install(store).with_name(MANIFEST)
    path.write_text(json.dumps({**json.loads(path.read_text()), "fingerprint": "0" * 64}))
    assert not store.installed(ENTRY)


def test_installing_again_replaces(store: Store) -> None:
    install(store, data=b"broken")
    install(store)
    assert store.open_model(ENTRY).path.read_bytes() == DATA


def test_models_of_two_lock_files_live_side_by_side(store: Store) -> None:
    other = replace(ENTRY, files=(locked("model.onnx", b"other"),))
    assert install(store) != install(store, other, b"other")
    store.verify(ENTRY)
    store.verify(other)


@pytest.mark.parametrize(
    "change",
    [
        {"files": (locked("model.onnx", b"b model"),)},
        {"files": (locked("renamed.onnx", DATA),)},
        {"format": "tfjs-graph"},
        {"scores": "probabilities"},
        {"input": replace(ENTRY.input, size=9)},
        {"input": replace(ENTRY.input, short_side=12)},
        {"input": replace(ENTRY.input, resample="bilinear")},
    ],
)
def test_the_fingerprint_changes_with_whatever_changes_scores(change: dict[str, object]) -> None:
    assert fingerprint(replace(ENTRY, **change)) != fingerprint(ENTRY)


def test_the_fingerprint_changes_with_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(ENTRY)
    newer = replace(convert.CONVERTERS["onnx"], version=99)
    monkeypatch.setitem(hashing.CONVERTERS, "onnx", newer)
    assert fingerprint(ENTRY) != before


def test_the_fingerprint_does_not_change_with_what_leaves_scores_alone() -> None:
    other = replace(ENTRY, name="other", default=False, licence="MIT", sources=())
    assert fingerprint(other) == fingerprint(ENTRY)
    assert files_digest(replace(other, scores="probabilities")) == files_digest(ENTRY)


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """A catalogue may move to another machine; a change of this value makes every catalogue stale."""
    assert fingerprint(ENTRY).startswith("6453abf3d81b0e7e")


def test_git_blob_ids_are_those_of_git(tmp_path: Path) -> None:
    """The ids are what `git hash-object` says of these bytes."""
    path = tmp_path / "file"
    for data, blob in (
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ):
        path.write_bytes(data)
        assert git_blob_id(path) == blob


def test_models_live_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_root() == Path("/somewhere/recognize/models")
    assert Store().root == default_root()
