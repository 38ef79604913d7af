"""The convolutional E-I circuit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from eideploy.cells import layout
from eideploy.cells.circuit import Stabilizer
from eideploy.cells.layer import EICircuit
from eideploy.errors import InputError


class EIConv2d(EICircuit):
    """An E-I circuit with convolutions as feed-forward weights; [..., C, H, W] → [..., E, H', W'].

    W_EE and W_IE share kernel size, stride and padding; W_EI mixes channels at each place.

    Args:
        in_channels: channels C of the input.
        out_channels: excitatory channels E, the outputs.
        kernel_size: (height, width) of the kernels, one number for both.
        stride: as in `torch.nn.Conv2d`.
        padding: zeros added on each side, as in `torch.nn.Conv2d`.
        ratio: excitatory per inhibitory channels.
        divisive: False gives the balanced current alone; gains and bias are then not used.
        stabilizer: "adaptive" for training, "floor" for what a chip does, "none" for neither.
        gradient_scaling: divide the gradient of W_EI by the fan-in (E-I Prop).

    Equation, attributes and errors: `EICircuit`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        ratio: int = 4,
        divisive: bool = True,
        stabilizer: Stabilizer = "adaptive",
        gradient_scaling: bool = True,
    ) -> None:
        kernel_size, stride, padding = _pair(kernel_size), _pair(stride), _pair(padding)
        if min(stride) < 1 or min(padding) < 0:
            raise InputError(
                f"EIConv2d: stride must be at least 1 and padding at least 0, "
                f"got stride {stride} and padding {padding}"
            )
        super().__init__(
            (out_channels, in_channels, *kernel_size),
            input_dims=3,
            ratio=ratio,
            divisive=divisive,
            stabilizer=stabilizer,
            gradient_scaling=gradient_scaling,
        )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding

    def drive(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution of x with `weight`, [N, C, H, W] → [N, rows of W, H', W']."""
        x = layout.for_convolution(x)
        drive = functional.conv2d(x, weight, stride=self.stride, padding=self.padding)
        return layout.between_layers(drive)

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        return f"{super().extra_repr()}, stride={self.stride}, padding={self.padding}"


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
