"""What counts as installed, and what is noticed when it is not what was installed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recognize_cli.errors import HashMismatch, ModelMissing
from recognize_cli.models import hashing
from recognize_cli.models.convert import CONVERTERS, GRAPH, Converter
from recognize_cli.models.entries import Faces
from recognize_cli.models.hashing import files_digest, fingerprint, git_blob_id
from recognize_cli.models.lockfile import load_lock
from recognize_cli.models.store import MANIFEST, Store, default_root
from tests.models.making import CLASSIFIER, locked, made_entry

if TYPE_CHECKING:
    from recognize_cli.models.entries import ModelEntry

DATA = b"a model"
ENTRY = made_entry(locked("model.onnx", DATA))
FACES = made_entry(
    locked("pack.zip", DATA), name="faces", format="face-api", recognizer="faces", task=Faces(distance=0.5)
)


def install(store: Store, entry: ModelEntry = ENTRY, data: bytes = DATA) -> Path:
    """Writes the same bytes for each file; gives the path of the first."""
    converter = CONVERTERS[entry.format]
    with store.locked(entry), store.installing(entry) as folder:
        for name in (*(f"{graph}.onnx" for graph in converter.graphs), *converter.others):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
    return store.files(entry)[0]


def with_others(monkeypatch: pytest.MonkeyPatch, *, graphs: bool) -> ModelEntry:
    """A model of a made format whose converter writes two files besides its graph, or in its place."""
    made = Converter("made", 1, "nowhere", (GRAPH,) * graphs, ("labels.json", "variables/index"))
    monkeypatch.setitem(hashing.CONVERTERS, made.name, made)
    return replace(ENTRY, format=made.name)


def test_an_empty_store_is_not_even_created(store: Store) -> None:
    assert not store.installed(ENTRY)
    with pytest.raises(ModelMissing, match="the model made is not installed"):
        store.open_model(ENTRY)
    assert not store.root.exists()


def test_opens_what_was_installed(store: Store) -> None:
    path = install(store)
    assert store.installed(ENTRY)
    model = store.open_model(ENTRY)
    assert model.graphs == {"model": path}
    assert path.read_bytes() == DATA
    assert model.fingerprint == fingerprint(ENTRY)
    assert model.entry == ENTRY
    assert model.folder == path.parent


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
        '{"fingerprint": "x", "graphs": 1}',
        '{"fingerprint": "x", "graphs": {"model": "x"}}',
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


@pytest.mark.parametrize("damage", ["no digest", "no file", "other bytes"])
@pytest.mark.parametrize("graph", ["detector", "landmarks", "descriptor"])
def test_each_graph_counts(store: Store, graph: str, damage: str) -> None:
    manifest = install(store, FACES).with_name(MANIFEST)
    model = store.open_model(FACES)
    assert {name: path.name for name, path in model.graphs.items()} == {
        "detector": "detector.onnx",
        "landmarks": "landmarks.onnx",
        "descriptor": "descriptor.onnx",
    }
    if damage == "no digest":
        content = json.loads(manifest.read_text())
        del content["graphs"][graph]
        manifest.write_text(json.dumps(content))
    elif damage == "no file":
        model.graphs[graph].unlink()
    else:
        model.graphs[graph].write_bytes(b"b model")
    assert store.installed(FACES) is (damage == "other bytes")
    with pytest.raises(HashMismatch if damage == "other bytes" else ModelMissing) as caught:
        store.open_model(FACES)
    assert damage != "other bytes" or str(model.graphs[graph]) in str(caught.value)


@pytest.mark.parametrize("graphs", [True, False])
def test_opens_the_other_files_of_a_model(
    store: Store, monkeypatch: pytest.MonkeyPatch, graphs: bool
) -> None:
    entry = with_others(monkeypatch, graphs=graphs)
    install(store, entry)
    assert store.installed(entry)
    model = store.open_model(entry)
    others = [model.folder / "labels.json", model.folder / "variables" / "index"]
    assert list(store.files(entry)) == [*model.graphs.values(), *others]
    assert set(model.graphs) == ({"model"} if graphs else set())


@pytest.mark.parametrize("damage", ["no digest", "no file", "other bytes"])
@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("name", ["labels.json", "variables/index"])
def test_each_other_file_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str, graphs: bool, damage: str
) -> None:
    entry = with_others(monkeypatch, graphs=graphs)
    folder = install(store, entry).parent
    path, manifest = folder / name, folder / MANIFEST
    if damage == "no digest":
        content = json.loads(manifest.read_text())
        del content["others"][name]
        manifest.write_text(json.dumps(content))
    elif damage == "no file":
        path.unlink()
    else:
        path.write_bytes(b"b model")
    assert store.installed(entry) is (damage == "other bytes")
    with pytest.raises(HashMismatch if damage == "other bytes" else ModelMissing) as caught:
        store.open_model(entry)
    assert damage != "other bytes" or str(path) in str(caught.value)


@pytest.mark.parametrize("others", ["null", "[]", '{"labels.json": 1}'])
def test_nonsense_about_other_files_is_not_installed(
    store: Store, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    entry = with_others(monkeypatch, graphs=True)
    manifest = install(store, entry).with_name(MANIFEST)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "others": json.loads(others)}))
    assert not store.installed(entry)


def test_a_store_of_before_there_were_other_files_is_still_read(store: Store) -> None:
    manifest = install(store).with_name(MANIFEST)
    content = json.loads(manifest.read_text())
    del content["others"]
    manifest.write_text(json.dumps(content))
    assert store.open_model(ENTRY).graphs["model"].read_bytes() == DATA


def test_a_converter_that_leaves_a_graph_out_installs_nothing(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.installing(FACES) as folder:
        (folder / "detector.onnx").write_bytes(DATA)
    assert not store.directory(FACES).exists()


def test_a_store_of_before_there_were_several_graphs_is_still_read(store: Store) -> None:
    manifest = install(store).with_name(MANIFEST)
    content = json.loads(manifest.read_text())
    content |= {"schema": 1, "model": content.pop("graphs")["model"]}
    manifest.write_text(json.dumps(content))
    assert store.installed(ENTRY)
    assert store.open_model(ENTRY).graphs["model"].read_bytes() == DATA
    store.graphs(ENTRY)["model"].write_bytes(b"b model")
    with pytest.raises(HashMismatch):
        store.verify(ENTRY)


def test_installing_again_replaces(store: Store) -> None:
    install(store, data=b"broken")
    install(store)
    assert store.open_model(ENTRY).graphs["model"].read_bytes() == DATA


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
        {"task": replace(CLASSIFIER, scores="probabilities")},
        {"task": replace(CLASSIFIER, input=replace(CLASSIFIER.input, size=9))},
        {"task": replace(CLASSIFIER, input=replace(CLASSIFIER.input, short_side=12))},
        {"task": replace(CLASSIFIER, input=replace(CLASSIFIER.input, resample="bilinear"))},
    ],
)
def test_the_fingerprint_changes_with_whatever_changes_scores(change: dict[str, object]) -> None:
    assert fingerprint(replace(ENTRY, **change)) != fingerprint(ENTRY)


def test_the_fingerprint_changes_with_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(ENTRY)
    newer = replace(CONVERTERS["onnx"], version=99)
    monkeypatch.setitem(hashing.CONVERTERS, "onnx", newer)
    assert fingerprint(ENTRY) != before


def test_the_fingerprint_does_not_change_with_what_leaves_scores_alone() -> None:
    other = replace(ENTRY, name="other", default=False, licence="MIT", sources=(), notice="Mind.")
    assert fingerprint(other) == fingerprint(ENTRY)
    probable = replace(CLASSIFIER, scores="probabilities")
    assert files_digest(replace(other, task=probable)) == files_digest(ENTRY)
    assert fingerprint(replace(FACES, task=Faces(distance=0.6))) == fingerprint(FACES)


def test_the_fingerprint_is_the_same_everywhere() -> None:
    """A catalogue may move to another machine; a change of this value makes every catalogue stale."""
    assert fingerprint(ENTRY).startswith("6453abf3d81b0e7e")
    shipped = {entry.name: fingerprint(entry)[:16] for entry in load_lock().models}
    assert (
        shipped.items()
        >= {
            "efficientnet-lite2": "b31ef27a26c74162",
            "efficientnet-lite4": "159bd2c149f0256a",
            "efficientnetv2": "72f013c73337931f",
            "face-api": "10a9a01337361a96",
            "buffalo_l": "26dc31cb1f7db60b",
            "buffalo_s": "707b69cfc2d5ba7d",
            "landmarks": "abf57cc8c0beefac",
        }.items()
    )


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
