"""A damaged or alien file gives an error that names the dataset and the reason."""

from __future__ import annotations

import re

import h5py
import lava_dl
import numpy as np
import pytest
from eideploy_targets.netx import Netx

from eideploy.errors import EideployError, InputError, UnsupportedError

RNG = np.random.default_rng(0)


@pytest.fixture
def refused(tmp_path):
    """Damage a good file; return the error that reading it gives."""

    def read(damage, kind=InputError) -> str:
        path = lava_dl.write(
            tmp_path / "bad.net",
            lava_dl.layer("input", 2, 5, 4),
            lava_dl.conv(lava_dl.even(RNG, 4, 2, 3, 3), (4, 3, 2)),
            lava_dl.layer("flatten", 24, 1, 1),
            lava_dl.dense(lava_dl.even(RNG, 6, 24), weight_rec=lava_dl.even(RNG, 6, 6)),
        )
        with h5py.File(path, "r+") as file:
            damage(file)
        with pytest.raises(EideployError) as caught:
            Netx().read(path)
        assert type(caught.value) is kind
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert len(message.splitlines()) <= 3
        assert caught.value.exit_code == 2
        return message

    return read


def put(where, value, **options):
    """A damage that replaces one dataset."""

    def damage(file):
        if where in file["layer"]:
            del file["layer"][where]
        file["layer"].create_dataset(where, data=value, **options)

    return damage


def remove(where):
    return lambda file: file["layer"].__delitem__(where)


def rename(kind):
    def damage(file):
        file["layer/3/type"][0] = kind.encode()

    return damage


DAMAGES = {
    "no layers": (lambda f: f.move("layer", "node"), "it has no group 'layer' .it has 'node'"),
    "empty": (lambda f: f["layer"].clear(), "/layer holds no layer of neurons among its 0"),
    "only an input": (
        lambda f: [remove(str(n))(f) for n in (1, 2, 3)],
        "/layer holds no layer of neurons among its 1",
    ),
    "a layer is missing": (remove("2"), "/layer has no layer 2 among its 3 .'0', '1', '3'."),
    "a layer is a value": (put("2", 3), "/layer/2 is a dataset, expected a group"),
    "no type": (remove("3/type"), "/layer/3/type is missing, expected text"),
    "number as type": (put("3/type", 3), "/layer/3/type is of dtype int64 and shape .., expected"),
    "unknown type": (rename("lstm"), "/layer/3/type is 'lstm'\nKnown are: input, conv, dense"),
    "no neuron": (remove("1/neuron"), "/layer/1/neuron is missing, expected a group"),
    "neuron is a value": (
        lambda f: (remove("3/neuron")(f), put("3/neuron", 1)(f)),
        "/layer/3/neuron is a dataset, expected a group",
    ),
    "unknown neuron": (put("3/neuron/type", "HH"), "/layer/3/neuron/type is 'HH'"),
    "no decay": (remove("3/neuron/iDecay"), "/layer/3/neuron/iDecay is missing, expected numbers"),
    "wide decay": (
        put("3/neuron/vDecay", 4097),
        r"/layer/3/neuron/vDecay ranges over \[4097, 4097\], expected \[0, 4096\]",
    ),
    "decays of others": (
        put("3/neuron/iDecay", np.ones(5)),
        r"/layer/3/neuron/iDecay has shape \(5,\), expected one number or 6",
    ),
    "negative threshold": (put("3/neuron/vThMant", -1), "/layer/3/neuron/vThMant ranges over"),
    "text as number": (put("3/neuron/iDecay", "slow"), "/layer/3/neuron/iDecay is text, expected"),
    "group as number": (
        lambda f: (remove("3/weight")(f), f["layer/3"].create_group("weight")),
        "/layer/3/weight is a group, expected numbers",
    ),
    "NaN": (
        put("3/weight", np.full((6, 24), np.nan)),
        "/layer/3/weight holds 144 NaN or infinite of 144 values",
    ),
    "huge": (
        put("3/weight", np.full((6, 24), 1e30)),
        "/layer/3/weight holds values beyond 32 bits",
    ),
    "no weight": (remove("1/weight"), "/layer/1/weight is missing"),
    "empty weight": (
        put("3/weight", np.empty((0, 3))),
        r"/layer/3/weight is .* \(0, 3\), expected",
    ),
    "inputs differ": (
        put("3/weight", np.ones((6, 23))),
        r"/layer/3/weight has shape \(6, 23\), but 24 inputs \(4, 3, 2\)",
    ),
    "neurons differ": (
        put("3/weight", np.ones((5, 24))),
        r"/layer/3/weight has shape \(5, 24\), expected \[6, inputs\]",
    ),
    "loop differs": (
        put("3/weight_rec", np.ones((6, 5))),
        r"/layer/3/weight_rec has shape \(6, 5\), expected \(6, 6\)",
    ),
    "flat kernel": (put("1/weight", np.ones((4, 18))), "/layer/1/weight .* expected rank 4"),
    "kernel differs": (put("1/groups", 2), r"/layer/1: weights .* groups 2 do not map \(2, 5, 4\)"),
    "stride of 0": (put("1/stride", [0, 1]), r"/layer/1/stride ranges over \[0, 1\]"),
    "three strides": (put("1/stride", [1, 1, 1]), "/layer/1/stride has 3 numbers, expected 1 or 2"),
    "two groups": (put("1/groups", [1, 2]), r"/layer/1/groups has shape \(2,\), expected one"),
    "shape of zeros": (put("0/shape", [2, 0, 4]), r"/layer/0/shape ranges over \[0, 4\]"),
    "shape is a number": (put("0/shape", 4), "/layer/0/shape is 4, expected 1 or 2 or 3 extents"),
    "bias differs": (
        put("1/bias", np.ones(3)),
        r"/layer/1/bias has shape \(3,\), expected one for each of 4 channels, or \(2, 3, 4\)",
    ),
    "wide bias": (put("1/bias", np.full(4, 5000)), r"/layer/1/bias ranges over \[5000, 5000\]"),
    "negative delay": (put("3/delay", -1), "/layer/3/delay ranges over"),
    "delay differs": (put("3/delay", np.ones(5)), r"/layer/3/delay has shape \(5,\), expected one"),
    "no flatten": (
        lambda f: (remove("2")(f), f["layer"].move("3", "2")),
        r"/layer/2: a dense layer on something of shape \(4, 3, 2\)\nnetx needs a layer `flatten`",
    ),
    "conv of something flat": (
        lambda f: (f["layer"].move("1", "x"), f["layer"].move("2", "1"), f["layer"].move("x", "2")),
        r"/layer/2: a convolution of something flat",
    ),
    "input behind": (
        lambda f: f["layer"].copy("0", "4"),
        "/layer/4: an input can only be the first layer",
    ),
    "no input": (
        lambda f: [remove("0")(f), *(f["layer"].move(str(n), str(n - 1)) for n in (1, 2, 3))],
        "/layer/0: .* does not say the shape of its input\nGive it: --input-shape",
    ),
    "note is no JSON": (put("0/eideploy", "{"), "/layer/0/eideploy is no JSON"),
    "note is a list": (put("0/eideploy", "[]"), "/layer/0/eideploy is no JSON object"),
    "soft link": (
        lambda f: f["layer"].__setitem__("4", h5py.SoftLink("/layer/3")),
        "/layer/4: is a link, expected data",
    ),
    "other file": (
        lambda f: f["layer"].__setitem__("4", h5py.ExternalLink("other.net", "/layer/3")),
        "/layer/4: is a link, expected data",
    ),
    "references": (
        lambda f: put("3/weight", f["layer"].ref, dtype=h5py.ref_dtype)(f),
        "/layer/3/weight: has dtype",
    ),
    "never filled": (
        lambda f: (
            remove("3/weight")(f),
            f["layer"].create_dataset("3/weight", (2**20, 2**20), "f4"),
        ),
        "/layer/3/weight: declares shape",
    ),
    "group in itself": (lambda f: f["layer"].__setitem__("3/again", f["layer/3"]), "nested more"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_named(refused, what):
    damage, reason = DAMAGES[what]
    message = refused(damage)
    assert re.search(reason, message), message


WEIGHTS = (("weight", 24), ("weight_rec", 6))

UNSUPPORTED = {
    **{
        kind: (rename(kind), f"/layer/3: a layer '{kind}': ")
        for kind in ("average", "concat", "convT", "dense_comp", "pool", "unpool")
    },
    "sigma-delta": (put("3/neuron/type", "SDNN"), "SDNN neurons: a Program has no sigma-delta"),
    "resonators": (put("3/neuron/type", "RF_PHASE"), "RF_PHASE neurons: a Program has no resonat"),
    "adaptive": (put("3/neuron/type", "ALIF"), "ALIF neurons: a Program has no adaptive"),
    "no decay of currents": (
        put("3/neuron/iDecay", 0),
        "/layer/3/neuron/iDecay is 0, but",
    ),
    "silent and not": (
        put("3/neuron/vThMant", [2**18, 2**18, 1, 1, 1, 1]),
        "/layer/3/neuron/vThMant: some neurons of the layer can spike and others cannot",
    ),
    "behind a silent layer": (
        put("1/neuron/vThMant", 2**18 - 1),
        "/layer/2: comes behind layer 1, whose thresholds",
    ),
    "wide weights": (
        lambda f: [put(f"3/{w}", np.full((6, n), 256))(f) for w, n in WEIGHTS],
        "/layer/3: weights range over [256, 256]",
    ),
    "delays of a loop": (put("3/delay", 1), "/layer/3: delays of a recurrent layer with other"),
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_no_program_can_stand_for_is_named(refused, what):
    damage, reason = UNSUPPORTED[what]
    assert reason in refused(damage, UnsupportedError)


def test_a_note_about_other_layers_is_refused(tmp_path):
    path = tmp_path / "a.net"
    Netx().write(path, Netx().read(lava_dl.write(path, lava_dl.dense(lava_dl.even(RNG, 3, 2)))))
    with h5py.File(path, "r+") as file:
        file["layer"].copy("1", "2")
        del file["layer/2/weight"]
        file["layer/2/weight"] = lava_dl.even(RNG, 3, 3)
    with pytest.raises(InputError, match=r"what eideploy noted is about .*\n.*layer/0/eideploy"):
        Netx().read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"\x80\x04\x95pickled", "is not an HDF5 file, as a lava-dl network file must be"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 600, "cannot be read as HDF5"),
    ],
)
def test_alien_files_are_refused(tmp_path, content, reason):
    path = tmp_path / "a.net"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        Netx().read(path)


def test_truncated_files_are_refused(tmp_path):
    whole = lava_dl.write(tmp_path / "a.net", lava_dl.dense(lava_dl.even(RNG, 30, 40))).read_bytes()
    for length in range(600, len(whole), 499):
        path = tmp_path / "b.net"
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as HDF5"):
            Netx().read(path)
