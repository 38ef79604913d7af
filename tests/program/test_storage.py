"""Programs, stimuli and traces on disk: what was written is read, anything else is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eideploy.errors import InputError, OutputError
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Recording,
    Relay,
    Source,
    Stimulus,
    Trace,
    load_program,
    load_stimulus,
    load_trace,
    save_program,
    save_stimulus,
    save_trace,
)
from eideploy.program.neuron import Neuron
from eideploy.program.neurons import NEURONS

NAMES = st.text(min_size=1, max_size=8)
FLOATS = st.floats(-1e6, 1e6)
# One file after the other in the same folder is all that these tests share.
shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def neurons(draw: st.DrawFn, arithmetic: str, shape: tuple[int, ...]) -> Neuron:
    """Any model with any parameters in range, per neuron or for all."""
    kind = draw(st.sampled_from([n for n in NEURONS.values() if arithmetic in n.arithmetic]))
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name == "reset":
            values["reset"] = draw(st.sampled_from(["value", "subtract"]))
            continue
        if field.name == "shift" and arithmetic == "float":
            continue  # there are no low bits to drop
        low, high = kind.ranges.get(field.name, (-1000, 1000))
        real = arithmetic == "float" or kind is Source
        if real and field.name not in kind.whole:
            element: Any = st.floats(low, min(high, 1e6))
            dtype: type = np.float64
        else:
            element, dtype = st.integers(int(low), int(high)), np.int64
        extent = draw(st.sampled_from([(), shape]))
        values[field.name] = draw(hnp.arrays(dtype, extent, elements=element))
    return kind(**values)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Populations of any model and projections of any operator, without regard to sense."""
    arithmetic = draw(st.sampled_from(["float", "integer"]))
    shapes = draw(st.lists(st.sampled_from([(4,), (1, 2, 2)]), min_size=1, max_size=4))
    names = draw(st.lists(NAMES, min_size=len(shapes), max_size=len(shapes), unique=True))
    populations = tuple(
        Population(
            name,
            shape,
            draw(neurons(arithmetic, shape)),
            draw(st.integers(0, 5)),
            draw(st.none() | st.integers(0, 5)),
        )
        for name, shape in zip(names, shapes, strict=True)
    )
    receivers = [p for p in populations if p.neuron.ports]
    projections = []
    for target in draw(st.lists(st.sampled_from(receivers), max_size=4)) if receivers else []:
        source = draw(st.sampled_from(populations))
        kinds = [Dense, Identity]
        if source.shape == target.shape == (1, 2, 2):
            kinds.append(Conv2d)
        kind = draw(st.sampled_from(kinds))
        one_to_one = draw(st.sampled_from([(), (4,)]))
        shape = {Dense: (4, 4), Identity: one_to_one, Conv2d: (1, 1, 3, 1)}[kind]
        integer = arithmetic == "integer"
        element: Any = st.integers(-256, 255) if integer else FLOATS
        weight = draw(hnp.arrays(np.int64 if integer else np.float64, shape, elements=element))
        geometry = {"padding": (1, 0)} if kind is Conv2d else {}
        projections.append(
            Projection(
                source.name,
                target.name,
                kind(weight, **geometry),
                draw(st.sampled_from(target.neuron.ports)),
                draw(st.integers(0, 5)),
                draw(st.integers(-3, 3)) if integer else 0,
            )
        )
    return Program(
        populations,
        tuple(projections),
        arithmetic,
        tuple(draw(st.lists(st.sampled_from(names), unique=True))),
        draw(st.none() | st.floats(1e-6, 1)),
        draw(st.dictionaries(NAMES, st.none() | st.integers() | FLOATS | NAMES, max_size=3)),
        draw(st.integers(1, 3)),
    )


def plain(record: object) -> Any:
    """A record as nested plain values that can be compared with ==, dtypes included."""
    if isinstance(record, np.ndarray):
        return (str(record.dtype), record.shape, record.tolist())
    if hasattr(record, "__dataclass_fields__"):
        return (
            type(record).__name__,
            {f.name: plain(getattr(record, f.name)) for f in fields(record)},
        )
    if isinstance(record, tuple):
        return tuple(plain(item) for item in record)
    if isinstance(record, dict):
        return {key: plain(value) for key, value in record.items()}
    return record


@shared_folder
@given(program=programs())
def test_a_program_comes_back(tmp_path: Path, program: Program) -> None:
    path = tmp_path / "program.npz"
    save_program(path, program)
    assert plain(load_program(path)) == plain(program)


def test_a_file_says_of_refractory_periods_only_where_there_are_some(tmp_path: Path) -> None:
    """So that readers that do not know of them read all other files."""

    def members(refractory: object) -> list[str]:
        lif = LIFNeuronFixed(4095, 0, 0, 0, 10, refractory=refractory)
        program = Program((Population("lif", (2,), lif),), (), "integer", ("lif",))
        save_program(tmp_path / "program.npz", program)
        read = load_program(tmp_path / "program.npz").by_name["lif"].neuron
        assert np.array_equal(read.parameters()["refractory"], refractory)
        with zipfile.ZipFile(tmp_path / "program.npz") as archive:
            return archive.namelist()

    assert [name for name in members(3) if name not in members(0)] == [
        "population/0/refractory.npy"
    ]


@shared_folder
@given(
    names=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    dtype=st.sampled_from([np.uint8, np.int16, np.float32, np.float64, np.bool_]),
    labelled=st.booleans(),
)
def test_a_stimulus_comes_back(
    tmp_path: Path, names: list[str], dtype: type, labelled: bool
) -> None:
    rng = np.random.default_rng(0)
    stimulus = Stimulus(
        {name: rng.integers(0, 2, (2, 3, 1 + i)).astype(dtype) for i, name in enumerate(names)},
        np.array([3, 4]) if labelled else None,
    )
    path = tmp_path / "stimulus.npz"
    save_stimulus(path, stimulus)
    assert plain(load_stimulus(path)) == plain(stimulus)


@shared_folder
@given(
    names=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    dtype=st.sampled_from([np.uint8, np.int64, np.float64]),
    states=st.lists(st.sampled_from(["u", "v", "refractory"]), max_size=2, unique=True),
    offset=st.integers(0, 9),
)
def test_a_trace_comes_back(
    tmp_path: Path, names: list[str], dtype: type, states: list[str], offset: int
) -> None:
    rng = np.random.default_rng(0)
    shape = (2, 3, 4)
    trace = Trace(
        {
            name: Recording(
                rng.integers(0, 9, shape).astype(dtype),
                {state: rng.normal(size=shape) for state in states},
                offset,
            )
            for name in names
        }
    )
    path = tmp_path / "trace.npz"
    save_trace(path, trace)
    assert plain(load_trace(path)) == plain(trace)


def small_program() -> Program:
    return Program(
        (Population("in", (2,), Source()), Population("out", (2,), Relay(), offset=1)),
        (Projection("in", "out", Dense(np.eye(2)), delay=1),),
        "float",
        ("out",),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A good Program file."""
    path = tmp_path / "program.npz"
    save_program(path, small_program())
    return path


LOADERS = [load_program, load_stimulus, load_trace]
Loader = Callable[[Path], object]


@pytest.mark.parametrize("load", LOADERS)
def test_a_missing_file(tmp_path: Path, load: Loader) -> None:
    with pytest.raises(InputError, match=r"nowhere\.npz does not exist"):
        load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("load", LOADERS)
def test_a_folder(tmp_path: Path, load: Loader) -> None:
    with pytest.raises(InputError, match="is not an eideploy file"):
        load(tmp_path)


def foreign_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


def foreign_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, weights=np.arange(3))
    return file.getvalue()


def foreign_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header", "{}")
    return file.getvalue()


def pickled_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, header=np.array([{"schema": "eideploy.program/1"}], dtype=object))
    return file.getvalue()


def listing_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, header=np.frombuffer(b"[1, 2]", np.uint8))
    return file.getvalue()


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04 no archive",
        foreign_npy(),
        foreign_npz(),
        foreign_zip(),
        pickled_npz(),
        listing_npz(),
    ],
    ids=["empty", "text", "no-archive", "npy", "npz", "zip", "pickled", "no-mapping"],
)
def test_a_foreign_file(tmp_path: Path, content: bytes, load: Loader) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"foreign\.npz is not an eideploy file or is damaged"):
        load(path)


@pytest.mark.parametrize("load", [load_stimulus, load_trace])
def test_a_file_of_another_kind(saved: Path, load: Loader) -> None:
    with pytest.raises(InputError, match=r"holds eideploy\.program/1, expected eideploy\."):
        load(saved)


def test_truncation(saved: Path) -> None:
    content = saved.read_bytes()
    for length in range(0, len(content), 7):
        saved.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"program\.npz"):
            load_program(saved)


def test_one_damaged_byte_is_refused_or_harmless(saved: Path) -> None:
    """Harmless are names and times in the archive that nothing reads."""
    content = saved.read_bytes()
    expected = plain(small_program())
    refused = 0
    positions = range(0, len(content), 5)
    for position in positions:
        saved.write_bytes(
            content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :]
        )
        try:
            read = plain(load_program(saved))
        except InputError:
            refused += 1
        else:
            assert read == expected
    assert refused > len(positions) / 2


def edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a file as someone with an editor would."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(arrays.pop("header").tobytes())
    edit(header)
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    "edit",
    [
        lambda h: h["populations"][0]["neuron"].update(kind="Izhikevich"),
        lambda h: h["populations"][0]["neuron"].update(kind=["Source"]),
        lambda h: h["populations"][0]["neuron"].update(surprise=1),
        lambda h: h["populations"][0].pop("offset"),
        lambda h: h["populations"][0].update(shape=3),
        lambda h: h["populations"][0].update(offset="late"),
        lambda h: h["projections"][0]["operator"].update(kind="os.system"),
        lambda h: h["projections"][0].update(delay=None),
        lambda h: h.pop("outputs"),
        lambda h: h.update(populations=7),
        lambda h: h.update(projections=[1]),
    ],
)
def test_a_damaged_header(saved: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    edited(saved, edit)
    with pytest.raises(InputError, match=r"program\.npz: the Program in it is damaged"):
        load_program(saved)


def test_an_array_that_is_gone(saved: Path) -> None:
    with np.load(saved) as archive:
        arrays = {name: archive[name] for name in archive.files if "weight" not in name}
    np.savez(saved, **arrays)
    with pytest.raises(InputError, match=r"program\.npz: the Program in it is damaged .*weight"):
        load_program(saved)


def test_a_program_that_makes_no_sense_says_what(saved: Path) -> None:
    edited(saved, lambda h: h["projections"][0].update(port="shunt"))
    with pytest.raises(InputError, match=r"in→out\.shunt: Relay has ports"):
        load_program(saved)


@pytest.mark.parametrize(
    ("save", "record"),
    [
        (save_program, small_program()),
        (save_stimulus, Stimulus({"in": np.zeros((1, 1, 1))})),
        (save_trace, Trace({})),
    ],
)
def test_a_place_that_cannot_be_written(
    tmp_path: Path, save: Callable[[Path, object], None], record: object
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*out\.npz"):
        save(tmp_path / "file" / "out.npz", record)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
