"""What a neuromorphic chip has, as data: its limits and where each of them is stated."""

from __future__ import annotations

from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eideploy.errors import InputError


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1)]


class Limit(_Fact):
    """A number that must not be exceeded, and who says so."""

    value: Annotated[int, Field(ge=1)]


class Ability(_Fact):
    """Something that a chip can do or not, and who says so."""

    value: bool


class Chip(BaseModel):
    """A board of equal chips.

    A limit that no public source states is None, and is not checked.

    Args:
        name: of the chip.
        chips: on the board.
        cores: usable neuro-cores of a chip.
        neurons_per_core: most neurons on one core.
        synapse_bytes_per_core: synaptic memory of one core.
        memory_bytes_per_core: all memory of one core: synapses, state and parameters.
        axons_in_per_core: neurons elsewhere from which one core can receive.
        axons_out_per_core: pairs of a neuron on this core and another core that it reaches.
        longest_delay: most steps that a projection can wait.
        weight_bits: widest weight, sign included.
        payload_bits: widest value that a spike carries; 1 where spikes carry none.
        shared_kernels: weights of a convolution are held once for all positions.
        programmable_neurons: neuron models other than Loihi's LIF with reset to 0 can run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    chips: Limit
    cores: Limit
    neurons_per_core: Limit
    synapse_bytes_per_core: Limit
    memory_bytes_per_core: Limit | None = None
    axons_in_per_core: Limit | None = None
    axons_out_per_core: Limit | None = None
    longest_delay: Limit
    weight_bits: Limit
    payload_bits: Limit
    shared_kernels: Ability
    programmable_neurons: Ability

    @property
    def cores_in_all(self) -> int:
        """Neuro-cores of the board."""
        return self.chips.value * self.cores.value


def parse_chip(text: str, where: str) -> Chip:
    """Read the description of a chip.

    Args:
        text: YAML; every limit has a `value` and a `source`.
        where: file or name, for messages.

    Raises:
        InputError: it is no YAML, or a limit is missing, unknown or no positive whole number.
    """
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where} is not a YAML file: {reason}") from error
    try:
        return Chip.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"{where} does not describe a chip: {field}: {first['msg']}",
            "Each limit is written as `cores: {value: 128, source: who says so}`; "
            "the shipped descriptions of Loihi show all of them.",
        ) from error
