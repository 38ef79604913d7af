"""Placing a Program on cores: every limit is kept, and the one that breaks is named."""

from __future__ import annotations

import math
from dataclasses import replace

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eideploy.compile import CompileOptions, integer_pipeline, run_passes
from eideploy.compile.chip import Chip, parse_chip
from eideploy.compile.demand import demand
from eideploy.compile.fit import Fit
from eideploy.compile.placement import place
from eideploy.errors import InputError, UnsupportedError
from eideploy.program import (
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.simulate.reference import apply
from eideploy.targets.chips import chip_names, load_chip


def limited(**limits: int | bool | None) -> Chip:
    """Loihi 2 with other limits."""
    values = load_chip("loihi2").model_dump()
    for name, value in limits.items():
        values[name] = None if value is None else {"value": value, "source": "this test"}
    return Chip.model_validate(values)


def lif() -> LIFNeuronFixed:
    return LIFNeuronFixed(4095, 128, 0, 0, 100)


def program(*populations: Population, projections: tuple[Projection, ...]) -> Program:
    return Program(populations, projections, "integer", (populations[-1].name,))


def dense(sources: int, targets: int, weight: np.ndarray | None = None) -> Program:
    full = np.full((targets, sources), 2)
    return program(
        Population("input", (sources,), Source(scale=1)),
        Population("lif", (targets,), lif(), 1),
        projections=(Projection("input", "lif", Dense(full if weight is None else weight)),),
    )


def test_neurons_are_shared_out_evenly_over_as_few_cores_as_will_do():
    placement = place(dense(4, 50), limited(neurons_per_core=20))
    assert [core.used.neurons for core in placement.cores] == [16, 17, 17]
    assert [(core.first, core.last) for core in placement.cores] == [(0, 16), (16, 33), (33, 50)]


def test_zero_weights_take_neither_synapses_nor_axons():
    weight = np.zeros((6, 8), int)
    weight[:3, 1] = weight[3:, 2:5] = 2
    (core,) = place(dense(8, 6, weight), limited()).cores
    assert (core.used.synapse_bytes, core.used.axons_in) == (12, 4)
    upper = demand(dense(8, 6, weight), limited(), Population("lif", (6,), lif()), 0, 3)
    assert (upper.synapse_bytes, upper.axons_in) == (3, 1)


def test_projections_into_the_same_core_share_an_axon():
    weight = Dense(np.full((6, 6), 2))
    (core,) = place(
        program(
            Population("input", (6,), Source(scale=1)),
            Population("lif", (6,), lif(), 1),
            projections=(
                Projection("input", "lif", weight, delay=1),
                Projection("lif", "lif", weight, delay=1),
                Projection("lif", "lif", weight, delay=2),
            ),
        ),
        limited(axons_out_per_core=6, axons_in_per_core=12),
    ).cores
    assert (core.used.axons_in, core.used.axons_out) == (12, 6)


def conv(groups: int = 1) -> Program:
    weight = np.full((4, 6 // groups, 3, 3), 2)
    return program(
        Population("input", (6, 8, 8), Source(scale=1)),
        Population("conv", (4, 8, 8), lif(), 1),
        projections=(
            Projection("input", "conv", Conv2d(weight, padding=(1, 1), groups=groups), delay=1),
        ),
    )


def test_a_kernel_is_held_once_a_core_where_the_chip_shares_it():
    (core,) = place(conv(), limited()).cores
    assert core.used.synapse_bytes == 4 * 6 * 9
    assert core.used.axons_in == 6 * 64
    (copied,) = place(conv(), limited(shared_kernels=False)).cores
    assert copied.used.synapse_bytes == 4 * 64 * 6 * 9


def test_a_plane_is_cut_between_channels_and_then_within_them():
    two = place(conv(), limited(neurons_per_core=128)).cores
    assert [(core.first, core.last) for core in two] == [(0, 128), (128, 256)]
    assert [core.used.synapse_bytes for core in two] == [2 * 54, 2 * 54]
    eight = place(conv(), limited(neurons_per_core=32)).cores
    # Half a channel: rows 0…3 see rows 0…4 of the input.
    assert [core.used.synapse_bytes for core in eight] == [54] * 8
    assert eight[0].used.axons_in == 6 * 5 * 8
    # A corner sees 2×2, the middle 3×3.
    ends = Population("conv", (4, 8, 8), lif(), 1)
    assert demand(conv(), limited(), ends, 0, 1).axons_in == 6 * 4
    assert demand(conv(), limited(), ends, 27, 28).axons_in == 6 * 9


@pytest.mark.parametrize("source", [(4, 7, 6), (4, 9)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_no_source_of_a_convolution_is_forgotten(source, stride):
    flat = len(source) == 2
    operator = Conv2d(
        np.full((6, 2, 1 if flat else 3, 2), 2),
        stride=(1 if flat else stride, stride),
        padding=(0 if flat else 1, 1),
        dilation=(1, 2),
        groups=2,
    )
    shape = operator.output_shape(source)
    target = Population("conv", (shape[0], shape[2]) if flat else shape, lif(), 1)
    network = program(
        Population("input", source, Source(scale=1)),
        target,
        projections=(Projection("input", "conv", operator, delay=1),),
    )
    one_by_one = np.eye(math.prod(source), dtype=int).reshape(-1, *source)
    seen = np.array([apply(operator, x).ravel() != 0 for x in one_by_one])
    for first in range(target.size):
        for last in {first + 1, min(first + 5, target.size), target.size}:
            needed = demand(network, limited(), target, first, last).axons_in
            assert np.count_nonzero(seen[:, first:last].any(axis=1)) <= needed
            assert needed <= math.prod(source)


def test_a_group_of_channels_sees_only_its_own():
    halves = place(conv(groups=2), limited(neurons_per_core=128)).cores
    assert [core.used.axons_in for core in halves] == [3 * 64, 3 * 64]


def test_axons_out_count_the_cores_that_are_reached():
    weight = np.full((30, 10), 2)
    chain = program(
        Population("input", (10,), Source(scale=1)),
        Population("first", (10,), lif(), 1),
        Population("second", (30,), lif(), 2),
        projections=(
            Projection("input", "first", Identity(np.int64(2))),
            Projection("first", "second", Dense(weight)),
        ),
    )
    tight = limited(neurons_per_core=10, axons_out_per_core=15)
    placement = place(chain, tight)
    assert len(placement.of("second")) == 3
    assert [core.used.axons_out for core in placement.of("first")] == [15, 15]


def test_the_neuron_that_fits_on_no_core_is_named():
    uneven = np.full((3, 40), 2)
    uneven[:2, 1:] = 0
    for program in (dense(40, 3), dense(40, 3, uneven)):
        with pytest.raises(UnsupportedError, match=r"'lif': a single neuron needs 40 bytes"):
            place(program, limited(synapse_bytes_per_core=39))


def test_a_board_with_too_few_cores_is_refused():
    with pytest.raises(UnsupportedError, match=r"5 cores, a board of 2 Loihi 2 has 4.*'lif'"):
        place(dense(4, 50), limited(neurons_per_core=10, cores=2, chips=2))


@settings(max_examples=60, deadline=None)
@given(
    sources=st.integers(1, 40),
    targets=st.integers(1, 200),
    neurons=st.integers(1, 64),
    synapses=st.integers(40, 4000),
    memory=st.integers(60, 6000),
    seed=st.integers(0, 9),
)
def test_every_neuron_lies_on_one_core_and_no_limit_is_broken(
    sources, targets, neurons, synapses, memory, seed
):
    weight = 2 * np.random.default_rng(seed).integers(0, 3, (targets, sources))
    chip = limited(
        neurons_per_core=neurons, synapse_bytes_per_core=synapses, memory_bytes_per_core=memory
    )
    placement = place(dense(sources, targets, weight), chip)
    ends = [(core.first, core.last) for core in placement.cores]
    assert [first for first, _ in ends] == [0, *(last for _, last in ends[:-1])]
    assert ends[-1][1] == targets
    assert sum(core.used.synapse_bytes for core in placement.cores) == np.count_nonzero(weight)
    for core in placement.cores:
        assert core.used.neurons == core.last - core.first <= neurons
        assert core.used.synapse_bytes <= synapses
        assert core.used.synapse_bytes + core.used.state_bytes <= memory


def test_loihi_1_refuses_what_it_has_no_neuron_for(dense_graph):
    with pytest.raises(
        UnsupportedError, match=r"fit: population '\w+' is of the model \w+; Loihi 1"
    ):
        run_passes(integer_pipeline(CompileOptions(chip=load_chip("loihi1"))), dense_graph())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reset": "subtract"}, "reset by subtraction"),
        ({"reset_to": 3}, "another value than 0"),
        ({"current_bias": 1}, "constant input"),
        ({"refractory": 2}, "refractory period"),
    ],
)
def test_loihi_1_resets_to_0_only(change, reason):
    plain = dense(4, 5)
    Fit(load_chip("loihi1"))(plain)
    changed = Population("lif", (5,), replace(lif(), **change), 1)
    with pytest.raises(UnsupportedError, match=reason):
        Fit(load_chip("loihi1"))(plain.replace_population(changed))


def test_loihi_1_takes_spikes_and_no_payloads():
    graded = dense(4, 5).replace_population(Population("input", (4,), Source(scale=16)))
    Fit(load_chip("loihi2"))(graded)
    refused = pytest.raises(UnsupportedError, match=r"'input' emits values of up to 16; .* nothing")
    with refused as caught:
        Fit(load_chip("loihi1"))(graded)
    assert "`levels` = 1" in caught.value.remedy


def test_a_projection_that_waits_too_long_is_refused():
    plain = dense(4, 5)
    late = replace(plain.projections[0], delay=63)
    waiting = plain.replace_projection(plain.projections[0], late)
    with pytest.raises(
        UnsupportedError, match=r"input→lif.* 63 steps .*'lif'; Loihi 2 can wait 62"
    ):
        Fit(load_chip("loihi2"))(waiting)


def test_a_weight_that_is_too_wide_is_refused():
    with pytest.raises(UnsupportedError, match=r"input→lif.* 301, .* 10 bits .* Loihi 2 holds 9"):
        Fit(load_chip("loihi2"))(dense(2, 2, np.full((2, 2), 301)))


@pytest.mark.parametrize(("sign", "fits"), [(1, 7), (-1, 8)], ids=["one sign", "mixed signs"])
def test_fewer_weight_bits_fit_a_chip_that_has_fewer(sign, fits):
    """A quantized weight of both signs has one bit less in magnitude, and none in its sign."""
    weights = np.linspace(0.01, 1.0, 60).reshape(20, 3) * np.array([1.0, sign, 1.0])
    graph = spiking(weights)
    chip = limited(weight_bits=8)
    run_passes(integer_pipeline(CompileOptions(chip=chip, weight_bits=fits)), graph)
    run_passes(integer_pipeline(CompileOptions(chip=limited(weight_bits=9))), graph)
    if fits < 8:
        with pytest.raises(UnsupportedError, match="need 9 bits") as refusal:
            run_passes(integer_pipeline(CompileOptions(chip=chip)), graph)
        assert "--weight-bits" in refusal.value.remedy


def test_what_an_integrator_really_emits_is_its_payload():
    narrow = IntegratorFixed(4095, 4096, 0, 0)
    sent = program(
        Population("input", (1,), Source(scale=1)),
        Population("li", (1,), narrow, 1),
        Population("end", (1,), Relay(), 2),
        projections=(
            Projection("input", "li", Identity(np.int64(100)), delay=1),
            Projection("li", "end", Identity(np.int64(1)), delay=1),
        ),
    )
    Fit(limited(payload_bits=14))(sent)
    with pytest.raises(UnsupportedError, match=r"'li' emits values of up to 6400; .* 13 bits"):
        Fit(limited(payload_bits=13))(sent)


def test_a_payload_that_is_too_wide_is_refused():
    wide = program(
        Population("input", (1,), Source(scale=255)),
        Population("relay", (1,), Relay(), 1),
        Population("end", (1,), Relay(), 2),
        projections=(
            Projection("input", "relay", Identity(np.int64(255)), exponent=8),
            Projection("relay", "end", Identity(np.int64(1))),
        ),
    )
    with pytest.raises(UnsupportedError, match=r"'relay' emits .* carries 24 bits") as caught:
        Fit(load_chip("loihi2"))(wide)
    assert "Input node" not in caught.value.remedy


def test_shipped_chips_state_the_source_of_every_limit():
    assert set(chip_names()) >= {"loihi1", "loihi2"}
    for name in chip_names():
        for fact in load_chip(name).model_dump().values():
            assert fact is None or isinstance(fact, str) or len(fact["source"]) > 10


def test_an_unknown_chip_and_files_that_describe_none(tmp_path):
    with pytest.raises(InputError, match="there is no chip 'loihi3'"):
        load_chip("loihi3")
    with pytest.raises(InputError, match="cannot be read"):
        load_chip(str(tmp_path / "none.yaml"))
    (tmp_path / "half.yaml").write_text("name: half\n")
    with pytest.raises(InputError, match=r"half.yaml does not describe a chip: chips: "):
        load_chip(str(tmp_path / "half.yaml"))
    with pytest.raises(InputError, match="is not a YAML file"):
        parse_chip("a: [", "broken.yaml")


def test_a_chip_of_ones_own(tmp_path):
    own = limited(neurons_per_core=7).model_dump_json()  # YAML reads JSON
    (tmp_path / "own.yaml").write_text(own)
    assert load_chip(str(tmp_path / "own.yaml")).neurons_per_core.value == 7


def test_the_pipeline_of_a_target_places_on_loihi_2_unless_told_otherwise():
    from eideploy.targets import load_target

    fits = [p for p in load_target("twin").pipeline(CompileOptions()) if isinstance(p, Fit)]
    assert [fit.chip.name for fit in fits] == ["Loihi 2"]
    told = CompileOptions(chip=load_chip("loihi1"))
    fits = [p for p in load_target("twin").pipeline(told) if isinstance(p, Fit)]
    assert [fit.chip.name for fit in fits] == ["Loihi 1"]


def spiking(weights: np.ndarray) -> nir.NIRGraph:
    """Spikes → weights → LIFs."""
    neurons, inputs = weights.shape
    spikes = nir.Input({"input": np.array([inputs])})
    spikes.metadata = {"high": 1.0, "levels": 1}
    return nir.NIRGraph(
        {
            "input": spikes,
            "weights": nir.Linear(weights),
            "lif": nir.LIF(*(np.full(neurons, value) for value in (2e-3, 1.0, 0.0, 1.0))),
            "output": nir.Output({"output": np.array([neurons])}),
        },
        [("input", "weights"), ("weights", "lif"), ("lif", "output")],
        metadata={"dt": 1e-3},
    )


def test_a_plain_spiking_network_fits_on_loihi_1():
    graph = spiking(np.ones((5, 4)))
    run_passes(integer_pipeline(CompileOptions(chip=load_chip("loihi1"))), graph)
