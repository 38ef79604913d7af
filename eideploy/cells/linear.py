"""The dense E-I circuit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from eideploy.cells.circuit import Stabilizer
from eideploy.cells.layer import EICircuit


class EILinear(EICircuit):
    """An E-I circuit with dense feed-forward weights; [..., in_features] → [..., out_features].

    Args:
        in_features: inputs.
        out_features: excitatory neurons E, the outputs.
        ratio: excitatory per inhibitory neurons.
        divisive: False gives the balanced current alone, as in a readout; its gains and bias are
            then not used and get no gradient.
        stabilizer: "adaptive" for training, "floor" for what a chip does, "none" for neither.
        gradient_scaling: divide the gradient of W_EI by the fan-in (E-I Prop).

    Equation, attributes and errors: `EICircuit`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        ratio: int = 4,
        divisive: bool = True,
        stabilizer: Stabilizer = "adaptive",
        gradient_scaling: bool = True,
    ) -> None:
        super().__init__(
            (out_features, in_features),
            input_dims=1,
            ratio=ratio,
            divisive=divisive,
            stabilizer=stabilizer,
            gradient_scaling=gradient_scaling,
        )
        self.in_features = in_features
        self.out_features = out_features

    def drive(self, x: Tensor, weight: Tensor) -> Tensor:
        """W x, [N, in_features] → [N, rows of W]."""
        return functional.linear(x, weight)
