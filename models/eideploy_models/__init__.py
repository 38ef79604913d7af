"""Networks to train, and in `recipes/` how.

A builder takes the shape of one input, the number of classes, a function that makes a LIF, and
options of its own; it gives a `norse.torch.SequentialState` over sequences [T, B, *input_shape].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from eideploy_models.builders import conv, mlp
from eideploy_models.resnet import resnet
from eideploy_models.vgg import vgg

zoo: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"mlp": mlp, "conv": conv, "vgg": vgg, "resnet": resnet}
)
"""Builders by name: the entry point `eideploy.models`."""

__all__ = ["conv", "mlp", "resnet", "vgg", "zoo"]
