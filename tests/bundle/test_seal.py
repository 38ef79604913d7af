"""A bundle that was altered in any byte is refused, and the message names the file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eideploy.bundle import load_bundle
from eideploy.bundle.manifest import decode
from eideploy.bundle.seal import is_bundle, open_manifest
from eideploy.errors import InputError

MANIFEST = "manifest.json"
FILES = (
    *(MANIFEST, "graph.nir", "program.npz", "stimulus.npz"),
    *("traces/trained.h5", "traces/frozen.h5", "traces/program.h5"),
)

# The bundle is made once for all examples, and each example puts back what it altered.
examples = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def refused(folder: Path, *fragments: str, digest: str | None = None) -> None:
    with pytest.raises(InputError) as caught:
        load_bundle(folder, digest)
    for fragment in fragments:
        assert fragment in caught.value.what


def test_an_intact_bundle_is_not_refused(bundle: Path) -> None:
    assert {p.relative_to(bundle).as_posix() for p in bundle.rglob("*.*")} == set(FILES)
    assert load_bundle(bundle).manifest.samples == 6


@pytest.mark.parametrize("name", FILES)
@examples
@given(data=st.data())
def test_a_changed_byte_is_found(name: str, data: st.DataObject, bundle: Path) -> None:
    path = bundle / name
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    mask = data.draw(st.integers(1, 255))
    path.write_bytes(content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :])
    try:
        refused(bundle, name)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@examples
@given(data=st.data())
def test_cut_out_and_put_in_bytes_are_found(name: str, data: st.DataObject, bundle: Path) -> None:
    path = bundle / name
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(len(content), start + 64)))
    added = data.draw(st.binary(max_size=64) | st.sampled_from([b" ", b"\n", b"\0", b"\r\n"]))
    altered = content[:start] + added + content[stop:]
    if altered == content:
        return
    path.write_bytes(altered)
    try:
        refused(bundle, name)
    finally:
        path.write_bytes(content)


def test_every_byte_of_the_manifest_counts(bundle: Path) -> None:
    content = (bundle / MANIFEST).read_bytes()
    decode(content, "intact")
    for at in range(len(content)):
        altered = content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]
        with pytest.raises(InputError, match="the manifest"):
            decode(altered, "the manifest")


def again(change: Callable[[str], str]) -> Callable[[Path], None]:
    """Write the manifest anew, as a text."""

    def alter(folder: Path) -> None:
        path = folder / MANIFEST
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return alter


@pytest.mark.parametrize(
    "alter",
    [
        again(lambda text: text + "\n"),
        again(lambda text: text.rstrip("\n")),
        again(lambda text: text.replace("\n", "\r\n")),
        again(lambda text: text.replace(": ", ":")),
        again(lambda text: json.dumps(json.loads(text))),
        again(lambda text: json.dumps(dict(reversed(json.loads(text).items())), indent=2) + "\n"),
        again(lambda text: text.replace('"model"', '"model": "other", "model"')),
        again(lambda text: text.replace('"dense"', '"d\\u0065nse"')),
        again(lambda text: text.replace("2.5", "2.50")),
        again(lambda text: text.replace("2.5", "NaN")),
        again(lambda text: "\ufeff" + text),
        again(lambda text: "[" * 100_000),
        again(lambda text: "[]"),
        again(lambda text: ""),
        again(lambda text: text.replace("bundle/1", "bundle/2")),
        again(lambda text: " " * 2**20 + text),
    ],
)
def test_another_spelling_of_the_manifest_is_refused(
    alter: Callable[[Path], None], bundle: Path
) -> None:
    alter(bundle)
    refused(bundle, MANIFEST)


def swap(folder: Path, one: str, two: str) -> None:
    kept = (folder / one).read_bytes()
    (folder / one).write_bytes((folder / two).read_bytes())
    (folder / two).write_bytes(kept)


def link(folder: Path, name: str) -> None:
    """Put a link to the very same content in the place of a file or a folder."""
    kept = folder.parent / "elsewhere"
    (folder / name).rename(kept)
    (folder / name).symlink_to(kept)


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (lambda f: (f / "graph.nir").unlink(), "graph.nir: is missing"),
        (lambda f: (f / MANIFEST).unlink(), f"no {MANIFEST}"),
        (lambda f: (f / "note.txt").touch(), "note.txt: is not part of the bundle"),
        (lambda f: (f / ".hidden").touch(), ".hidden: is not part of the bundle"),
        (lambda f: (f / "traces" / "more.h5").touch(), "more.h5: is not part of the bundle"),
        (lambda f: (f / "empty").mkdir(), "empty: is an empty folder"),
        (lambda f: (f / "graph.nir").rename(f / "graph2.nir"), "graph"),
        (lambda f: (f / "traces").rename(f / "trace"), "trace"),
        (lambda f: os.truncate(f / "stimulus.npz", 100), "stimulus.npz: has 100 bytes"),
        (lambda f: os.truncate(f / "program.npz", 0), "program.npz: has 0 bytes"),
        (lambda f: swap(f, "graph.nir", "program.npz"), "graph.nir"),
        (lambda f: link(f, "graph.nir"), "graph.nir: is a link"),
        (lambda f: link(f, "traces"), "traces: is a link"),
        (lambda f: link(f, MANIFEST), f"{MANIFEST}: is a link"),
        (lambda f: os.mkfifo(f / "pipe"), "pipe: is a link or a device"),
    ],
)
def test_other_files_than_were_recorded_are_refused(
    alter: Callable[[Path], Any], named: str, bundle: Path
) -> None:
    alter(bundle)
    assert is_bundle(bundle)
    refused(bundle, named)


def test_swapped_files_of_one_size_are_refused(bundle: Path) -> None:
    assert (bundle / FILES[5]).stat().st_size == (bundle / FILES[6]).stat().st_size
    with (bundle / FILES[5]).open("r+b") as file:  # so that they differ at all
        file.seek(-1, os.SEEK_END)
        file.write(b"\1")
    reseal(bundle)
    load_bundle(bundle)
    swap(bundle, FILES[5], FILES[6])
    refused(bundle, "SHA-256 is not that of the manifest")


def reseal(folder: Path, **changes: Any) -> None:
    """Write a manifest that fits what is there, as someone would who knows how."""
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    document |= changes
    for name, seal in document["files"].items():
        content = (folder / name).read_bytes()
        seal |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    del document["digest"]

    def written(value: Any) -> bytes:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        return f"{text}\n".encode()

    document["digest"] = hashlib.sha256(written(document)).hexdigest()
    (folder / MANIFEST).write_bytes(written(document))


def test_only_the_digest_finds_who_altered_everything(bundle: Path) -> None:
    digest = open_manifest(bundle).digest
    assert load_bundle(bundle, digest.upper()).manifest.digest == digest
    reseal(bundle, model="other")
    assert load_bundle(bundle).manifest.model == "other"
    refused(bundle, f"expected {digest}", digest=digest)
    refused(bundle, "expected", digest="")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"samples": 5}, "6 samples of 6 steps, the manifest says 5"),
        ({"samples": 0}, "samples"),
        ({"samples": "6"}, "samples"),
        ({"weight_bits": 40}, "weight_bits"),
        ({"limits": {"accuracy_drop": -1.0, "agreement": 98.0}}, "limits.accuracy_drop"),
        ({"traces": {"hacked": {"device": "", "seconds": 1.0}}}, "traces.hacked"),
        ({"traces": {}}, "files are"),
        ({"surprise": 1}, "surprise"),
        ({"environment": {"python": 3}}, "environment.python"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    changes: dict[str, Any], named: str, bundle: Path
) -> None:
    reseal(bundle, **changes)
    refused(bundle, named)


def test_a_path_out_of_the_bundle_is_no_file_of_it(bundle: Path) -> None:
    document = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    files = document["files"] | {"../secret": {"bytes": 0, "sha256": "0" * 64}}
    (bundle.parent / "secret").touch()
    reseal(bundle, files=files)
    refused(bundle, "files are", "../secret")


def test_the_manifest_is_what_it_is_documented_to_be(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_text(encoding="utf-8")
    document = json.loads(text)
    digest = document.pop("digest")
    canonical = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert hashlib.sha256(canonical.encode()).hexdigest() == digest
    assert document["schema"] == "eideploy.bundle/1"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", document["created"])
    assert document["limits"] == {"accuracy_drop": 2.5, "agreement": 90.0}
    assert document["traces"]["frozen"]["device"] == "frozen device"
    for name, seal in document["files"].items():
        content = (bundle / name).read_bytes()
        assert seal == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
