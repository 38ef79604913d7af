"""What the models are made of: E-I circuits, or the layers of their BatchNorm twin.

The twin answers what inhibition costs and gains, so it is the same network in all else: as many
excitatory neurons, the same kernels, LIF and pools. A circuit becomes a layer without bias and a
BatchNorm, whose scale and shift stand where g_E and b of the circuit stand, with statistics over
all steps, samples and places; the readout, B alone, becomes a linear layer without bias. Weights
are drawn as torch draws them, of either sign. What the twin lacks is the inhibitory neurons, 22 %
of the parameters at ratio 4. It starts at like firing rates: on random images its layers fire in 15
to 22 % of the steps, circuits after E-I Init in 6 to 32 %.
"""

from __future__ import annotations

from dataclasses import dataclass

from norse.torch import Lift
from torch import Tensor, nn

from eideploy.cells import EIConv2d, EILinear


class Merged(Lift):  # type: ignore[misc]
    """`norse.torch.Lift` for a module without memory: one call for all steps, not one for each.

    [T, B, …] → [T, B, …] by way of [T·B, …], so that a BatchNorm sees all steps at once.

    Args:
        module: over batches [N, …].
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module to a sequence [T, B, …]."""
        merged: Tensor = self.lifted_module(x.flatten(0, 1))
        return merged.reshape(*x.shape[:2], *merged.shape[1:])


@dataclass(frozen=True)
class Layers:
    """Makes layers over sequences, all of one kind.

    Attributes:
        inhibition: E-I circuits, or else the layers of the BatchNorm twin.
        ratio: excitatory per inhibitory channels; without inhibition it is not used.
    """

    inhibition: bool
    ratio: int

    def conv(
        self,
        fan_in: int,
        width: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int | None = None,
    ) -> nn.Module:
        """The current into `width` channels of LIF.

        Args:
            fan_in: channels of the input.
            width: excitatory channels.
            kernel_size: of the square kernel.
            stride: of the kernel.
            padding: zeros on each side; half the kernel if not given, which keeps the size.
        """
        padding = kernel_size // 2 if padding is None else padding
        if self.inhibition:
            return EIConv2d(
                fan_in, width, kernel_size, stride=stride, padding=padding, ratio=self.ratio
            )
        conv = nn.Conv2d(fan_in, width, kernel_size, stride, padding, bias=False)
        return Merged(nn.Sequential(conv, nn.BatchNorm2d(width)))

    def linear(self, features: int, width: int) -> nn.Module:
        """The current into `width` LIF."""
        if self.inhibition:
            return EILinear(features, width, ratio=self.ratio)
        linear = nn.Linear(features, width, bias=False)
        return Merged(nn.Sequential(linear, nn.BatchNorm1d(width)))

    def classifier(self, features: int, classes: int) -> nn.Module:
        """The readout [T, B, features] → [T, B, classes], to be averaged over time."""
        if self.inhibition:
            return EILinear(features, classes, ratio=self.ratio, divisive=False)
        return nn.Linear(features, classes, bias=False)
