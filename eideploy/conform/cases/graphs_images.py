"""Convolutions of NIR, as graphs: what their geometry says.

Weights are quarters that no flip and no transposition leaves as they are; thresholds lie an eighth
beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nir
import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    convolution,
    end,
    entry,
    flatten,
    graph,
    integrate,
    linear,
    quarters,
    shown,
    spikes,
)


def cases() -> Iterator[Case]:
    """Convolutions of images, then of lines."""
    yield from _images()
    yield from _lines()


def _images() -> Iterator[Case]:
    yield _image("conv2d", "A Conv2d is a cross-correlation: its kernel is not flipped.", (1, 5, 6))
    yield _image(
        "conv2d-of-channels",
        "Each output channel has a kernel for each input channel, and a bias.",
        (3, 4, 5),
        out=2,
        bias=[0.25, -0.25],
    )
    yield _image(
        "conv2d-kernel-not-square",
        "A kernel of 3 rows and 2 columns stays so.",
        (1, 5, 5),
        kernel=(3, 2),
    )
    yield _image(
        "conv2d-stride",
        "Strides of rows and of columns differ; what fills no window is left over.",
        (1, 6, 7),
        stride=(2, 3),
    )
    yield _image(
        "conv2d-padding",
        "Paddings of rows and of columns differ; around the image there are zeros.",
        (1, 4, 4),
        padding=(1, 2),
        bias=[0.25],
    )
    yield _image(
        "conv2d-dilation",
        "Dilations of rows and of columns differ.",
        (1, 6, 7),
        dilation=(2, 3),
    )
    yield _image(
        "conv2d-groups",
        "In groups each output channel sees the input channels of its group alone.",
        (4, 4, 4),
        out=6,
        groups=2,
    )
    yield _image(
        "conv2d-depthwise",
        "With as many groups as channels each channel has kernels of its own.",
        (3, 4, 4),
        out=3,
        groups=3,
    )
    yield _image(
        "conv2d-same",
        "Padding 'same' keeps the size; where it needs an odd number, one more stands behind.",
        (1, 4, 5),
        kernel=(2, 4),
        padding="same",
    )
    yield _image(
        "conv2d-same-dilated",
        "Padding 'same' counts the reach of a dilated kernel.",
        (1, 5, 5),
        kernel=(3, 2),
        dilation=(1, 3),
        padding="same",
    )
    yield _image("conv2d-valid", "Padding 'valid' is none.", (2, 4, 4), padding="valid")
    yield _image(
        "conv2d-one-window",
        "A kernel as large as the image sees it once.",
        (2, 3, 4),
        kernel=(3, 4),
        out=4,
    )
    yield _image(
        "conv2d-larger-than-the-image",
        "A kernel larger than the image is filled up with padding.",
        (1, 2, 2),
        kernel=(3, 4),
        padding=(1, 2),
    )
    yield _image(
        "conv2d-point",
        "A kernel of one place mixes channels, pixel by pixel.",
        (3, 3, 4),
        kernel=(1, 1),
        out=2,
    )
    shape = (1, 6, 6)
    name = "graph-images/conv2d-behind-conv2d"
    nodes = {
        "in": entry(*shape),
        "first": convolution(shape, out=2, stride=(2, 1), padding=(1, 0)),
        "hidden": integrate((2, 4, 4), threshold=0.875),
        "second": convolution((2, 4, 4), kernel=(2, 3), out=3),
        "out": integrate((3, 3, 2), threshold=0.625),
        "end": end(3, 3, 2),
    }
    yield shown(name, "Two layers of kernels act in one step.", graph(nodes), spikes(name, *shape))
    name = "graph-images/conv2d-to-linear"
    nodes = {
        "in": entry(*shape),
        "first": convolution(shape, out=2, stride=(2, 2)),
        "hidden": integrate((2, 3, 2), threshold=1.125),
        "flat": flatten(2, 3, 2),
        "weights": linear(quarters(4, 12)),
        "out": integrate(4, threshold=0.875),
        "end": end(4),
    }
    yield shown(
        name,
        "A Linear behind a Flatten reads channels first, then rows, then columns.",
        graph(nodes),
        spikes(name, *shape),
    )


def _lines() -> Iterator[Case]:
    yield _line("conv1d", "A Conv1d is a cross-correlation along a line.")
    yield _line(
        "conv1d-geometry",
        "Stride, padding and dilation of a Conv1d.",
        stride=2,
        padding=3,
        dilation=2,
        kernel=4,
    )
    yield _line(
        "conv1d-groups",
        "A Conv1d in groups, with a bias.",
        groups=2,
        out=4,
        bias=[0.25, 0, -0.5, 0.5],
    )
    yield _line(
        "conv1d-same",
        "Padding 'same' of a Conv1d puts the odd zero behind.",
        kernel=4,
        padding="same",
    )


def _image(name: str, claim: str, shape: tuple[int, int, int], **geometry: Any) -> Case:
    """A convolution and neurons behind it."""
    node = convolution(shape, **geometry)
    extents = [
        extent if node.padding == "same" else (extent + 2 * p - d * (k - 1) - 1) // s + 1
        for extent, p, d, k, s in zip(
            shape[1:],
            (0, 0) if isinstance(node.padding, str) else node.padding,
            node.dilation,
            node.weight.shape[2:],
            node.stride,
            strict=True,
        )
    ]
    out = (len(node.weight), *extents)
    nodes = {"in": entry(*shape), "kernel": node, "out": integrate(out, threshold=0.875)}
    name = f"graph-images/{name}"
    return shown(name, claim, graph(nodes | {"end": end(*out)}), spikes(name, *shape))


def _line(
    name: str,
    claim: str,
    *,
    kernel: int = 3,
    out: int = 2,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: Any = 0,
) -> Case:
    """A convolution of two channels along a line."""
    length, weight = 9, quarters(out, 2 // groups, kernel)
    biases = np.broadcast_to(np.array(bias, dtype=np.float64), out).copy()
    node = nir.Conv1d(length, weight, stride, padding, dilation, groups, biases)
    reach, around = dilation * (kernel - 1), padding if isinstance(padding, int) else 0
    extent = length if padding == "same" else (length + 2 * around - reach - 1) // stride + 1
    nodes = {
        "in": entry(2, length),
        "kernel": node,
        "out": integrate((out, extent), threshold=0.875),
        "end": end(out, extent),
    }
    name = f"graph-images/{name}"
    return shown(name, claim, graph(nodes), spikes(name, 2, length))
