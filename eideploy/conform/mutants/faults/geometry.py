"""Convolutions and the order of axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import each_operator
from eideploy.conform.mutants.mutant import Change, Mutant
from eideploy.program import Array, Conv2d, Operator, Program, Projection

_PADDED = "pad(x.permute(0, 2, 3, 1), (0, 0, pw, pw, ph, ph))"
_STRIDES = "image, row, column, channel = x.stride()"
_STEPS = "image, sh * row, sw * column, dh * row, dw * column, channel"
_GROUPS = "(c // self.groups, image,"
_DENSE = '"""Of `Dense`."""\n\n    def operand(self, x: Tensor) -> Tensor:\n        return '
_SUM = "total = operand[0].flatten(0, 2) @ matrix[0]"


def _padded(otherwise: str) -> tuple[Edit, ...]:
    return (Edit("geometry", _PADDED, otherwise),)


def _steps(otherwise: str) -> tuple[Edit, ...]:
    """Other steps through the image, with zeros behind it for those that are too long."""
    return (
        Edit(
            "geometry",
            _STRIDES,
            f"m = max(sh, sw, dh, dw) * max(h, w); x = pad(x, (0, 0, 0, m, 0, m)); {_STRIDES}",
        ),
        Edit("geometry", _STEPS, otherwise),
    )


def _kernel(change: Callable[[Array], Array]) -> Change:
    """Other weights in convolutions."""

    def changed(program: Program, projection: Projection) -> Operator:
        operator = projection.operator
        if not isinstance(operator, Conv2d):
            return operator
        return replace(operator, weight=change(operator.weight))

    return each_operator(changed)


def _transposed(weight: Array) -> Array:
    return weight.swapaxes(2, 3) if weight.shape[2] == weight.shape[3] else weight


def _other_way_round(weight: Array) -> Array:
    return weight.swapaxes(0, 1) if weight.shape[0] == weight.shape[1] else weight


def _cut(program: Program, projection: Projection) -> Operator:
    """A kernel no larger than the image."""
    operator = projection.operator
    if not isinstance(operator, Conv2d):
        return operator
    *_, h, w = (1, *program.by_name[projection.source].shape)
    weight = operator.weight.copy()
    weight[:, :, h:], weight[:, :, :, w:] = 0, 0
    return replace(operator, weight=weight)


def _upright(program: Program, projection: Projection) -> Operator:
    """A kernel that stands across a line of neurons: one of its weights meets it."""
    operator = projection.operator
    if not isinstance(operator, Conv2d) or len(program.by_name[projection.source].shape) == 3:
        return operator
    weight = 0 * operator.weight
    middle = weight.shape[3] // 2
    weight[..., middle] = operator.weight[..., middle]
    return replace(operator, weight=weight)


PADDING = (
    Mutant(
        "mutant-padding-off",
        "convolution",
        "Nothing is padded: a neuron whose window reaches over the edge receives nothing.",
        (
            *_padded(f"{_PADDED[:-1]}, value=float('nan'))"),
            Edit("geometry", _SUM, f"{_SUM}.nan_to_num()".replace("total = ", "total = (") + ")"),
        ),
    ),
    Mutant(
        "mutant-padding-not-zero",
        "convolution",
        "Padding is made of ones.",
        _padded(f"{_PADDED[:-1]}, value=1.0)"),
    ),
    Mutant(
        "mutant-padding-before-only",
        "convolution",
        "All padding is added above and to the left.",
        _padded(_PADDED.replace("pw, pw, ph, ph", "2 * pw, 0, 2 * ph, 0")),
    ),
    Mutant(
        "mutant-padding-axes-swapped",
        "convolution",
        "Padding of rows is taken for that of columns.",
        _padded(_PADDED.replace("pw, pw, ph, ph", "ph, 2 * pw - ph, pw, 2 * ph - pw")),
    ),
    Mutant(
        "mutant-padding-repeats-the-edge",
        "convolution",
        "The image is continued over its edge by rows and columns of the other side.",
        (
            Edit(
                "geometry",
                _STRIDES,
                "x = x[:, (ar(h) - ph) % (h - 2 * ph) + ph]"
                "[:, :, (ar(w) - pw) % (w - 2 * pw) + pw].contiguous()\n"
                f"        {_STRIDES}",
            ),
            Edit("geometry", "from torch import Tensor", "from torch import Tensor, arange as ar"),
        ),
    ),
)

KERNEL = (
    Mutant(
        "mutant-kernel-flipped",
        "convolution",
        "Kernels are flipped along both axes: a convolution in the strict sense.",
        change=_kernel(lambda weight: weight[:, :, ::-1, ::-1]),
    ),
    Mutant(
        "mutant-kernel-rows-flipped",
        "convolution",
        "The rows of kernels are in the wrong order.",
        change=_kernel(lambda weight: weight[:, :, ::-1]),
    ),
    Mutant(
        "mutant-kernel-columns-flipped",
        "convolution",
        "The columns of kernels are in the wrong order.",
        change=_kernel(lambda weight: weight[..., ::-1]),
    ),
    Mutant(
        "mutant-kernel-transposed",
        "convolution",
        "Rows of square kernels are taken for columns.",
        change=_kernel(_transposed),
    ),
    Mutant(
        "mutant-kernel-channels-transposed",
        "convolution",
        "Where as many channels come out as go in, kernels are sorted by the wrong ones.",
        change=_kernel(_other_way_round),
    ),
    Mutant(
        "mutant-kernel-input-channels-reversed",
        "convolution",
        "The input channels of kernels are in the wrong order, as BGR is for RGB.",
        change=_kernel(lambda weight: weight[:, ::-1]),
    ),
    Mutant(
        "mutant-kernel-output-channels-reversed",
        "convolution",
        "The output channels of kernels are in the wrong order.",
        change=_kernel(lambda weight: weight[::-1]),
    ),
    Mutant(
        "mutant-kernel-cut-to-input",
        "convolution",
        "A kernel that is larger than the image is cut to its size.",
        change=each_operator(_cut),
    ),
    Mutant(
        "mutant-kernel-upright-in-one-dimension",
        "convolution",
        "A line of neurons is taken for a column of an image, which the kernel only crosses.",
        change=each_operator(_upright),
    ),
)

STEPS = (
    Mutant(
        "mutant-stride-ignored",
        "convolution",
        "Windows are next to each other whatever the stride.",
        _steps(_STEPS.replace("sh * row, sw * column", "row, column")),
    ),
    Mutant(
        "mutant-stride-axes-swapped",
        "convolution",
        "The stride of rows is taken for that of columns.",
        _steps(_STEPS.replace("sh * row, sw * column", "sw * row, sh * column")),
    ),
    Mutant(
        "mutant-dilation-ignored",
        "convolution",
        "Kernels are applied without their dilation.",
        _steps(_STEPS.replace("dh * row, dw * column", "row, column")),
    ),
    Mutant(
        "mutant-dilation-axes-swapped",
        "convolution",
        "The dilation of rows is taken for that of columns.",
        _steps(_STEPS.replace("dh * row, dw * column", "dw * row, dh * column")),
    ),
    Mutant(
        "mutant-groups-mixed-up",
        "convolution",
        "Every group of channels is given the kernels of another.",
        (Edit("geometry", "matrix).transpose(0, 1)", "matrix.roll(1, 0)).transpose(0, 1)"),),
    ),
    Mutant(
        "mutant-groups-see-the-first",
        "convolution",
        "Every group of channels sees the channels of the first.",
        (Edit("geometry", _GROUPS, "(0, image,"),),
    ),
)

AXES = (
    Mutant(
        "mutant-image-flattened-channels-last",
        "convolution",
        "Before a dense layer an image is flattened with its channels last.",
        (
            Edit(
                "geometry",
                f"{_DENSE}x",
                f"{_DENSE}(x.permute(0, 2, 3, 1) if x.ndim == 4 else x)",
            ),
        ),
    ),
    Mutant(
        "mutant-image-filled-channels-last",
        "convolution",
        "What comes out of a convolution is taken to have its channels last.",
        (Edit("geometry", "total.view(b, h, w, -1).permute(0, 3, 1, 2)", "total.reshape(b, -1)"),),
    ),
    Mutant(
        "mutant-image-transposed",
        "convolution",
        "Rows of a square image are taken for columns.",
        (
            Edit(
                "geometry",
                "        if self.pool != (1, 1):",
                "        x = x.transpose(2, 3) if x.shape[2] == x.shape[3] else x\n"
                "        if self.pool != (1, 1):",
            ),
        ),
    ),
)

POOLING = (
    Mutant(
        "mutant-pool-averages",
        "pooling",
        "The sum of a block of neurons is divided by their number.",
        (Edit("geometry", ", divisor_override=1)", ")"),),
    ),
    Mutant(
        "mutant-pool-assumed",
        "convolution",
        "A kernel with a stride is taken to hold one weight for each block of the stride.",
        (
            Edit(
                "geometry",
                "return np.array_equal(operator.weight, "
                "blocks.repeat(h, axis=2).repeat(w, axis=3))",
                "return blocks.size > 0",
            ),
        ),
    ),
    Mutant(
        "mutant-pool-of-incomplete-blocks",
        "pooling",
        "An image that is no whole number of blocks is pooled as if it were.",
        (
            Edit(
                "geometry",
                "sizes = (extents, operator.padding,",
                "sizes = (operator.padding,",
            ),
        ),
    ),
)

MUTANTS = (*PADDING, *KERNEL, *STEPS, *AXES, *POOLING)
