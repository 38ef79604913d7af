"""What the dense and the convolutional E-I circuit have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn

from eideploy.cells import circuit
from eideploy.cells.circuit import Stabilizer
from eideploy.cells.current import circuit_current
from eideploy.cells.rebuild import made_again
from eideploy.errors import InputError


class EICircuit(nn.Module):
    """A memoryless circuit of excitatory and inhibitory neurons that drives a LIF.

    I_EE = W_EE x,  I_IE = W_IE x,  B = I_EE − W_EI I_IE,  S = W_EI (g_I ⊙ I_IE),
    I = g_E ⊙ B / stab(S) + b        (I = B where `divisive` is false: the readout)

    All weights and gains are ≥ 0 (`project_` keeps them so), the input is ≥ 0, the bias is free. I
    does not change when x is scaled, as long as no divisor meets the stabilizer.

    Attributes:
        weight_ee: W_EE [E, fan-in …].
        weight_ie: W_IE [I, fan-in …].
        weight_ei: W_EI [E, I]; its gradient is divided by the fan-in if `gradient_scaling`.
        gain_i: g_I [I].
        gain_e: g_E [E].
        bias: b [E].
        floor: s_min, the least divisor in deployment; 0 until `eideploy.train.freeze` sets it.
        stabilizer: "adaptive" (training), "floor" (deployment) or "none" (an ablation), see
            `eideploy.cells.circuit`.
        straight_through: true; false lets no gradient reach S where the adaptive stabilizer
            replaced it (an ablation).

    Args:
        weight_shape: shape of W_EE, [E, …].
        input_dims: number of axes of one sample of the input, the first of them its channels.
        ratio: excitatory per inhibitory neurons; there are max(1, E // ratio) inhibitory ones.
        divisive: whether the balanced current is divided.
        stabilizer: which stabilizer to start with.
        gradient_scaling: whether the gradient of W_EI is divided by the fan-in.

    Raises:
        InputError: a size is not positive, or the stabilizer is unknown.

    Source: Liu, Ding, Yu, ICLR 2026.
    """

    floor: Tensor

    def __init__(
        self,
        weight_shape: tuple[int, ...],
        input_dims: int,
        *,
        ratio: int,
        divisive: bool,
        stabilizer: Stabilizer,
        gradient_scaling: bool,
    ) -> None:
        super().__init__()
        if min(*weight_shape, ratio) < 1:
            raise InputError(
                f"{type(self).__name__}: sizes and ratio must be at least 1, "
                f"got weights {weight_shape} and ratio {ratio}"
            )
        n_e, *fan_in = weight_shape
        n_i = max(1, n_e // ratio)
        self.ratio = ratio
        self.divisive = divisive
        self.stabilizer = stabilizer
        self.straight_through = True
        self.gradient_scaling = gradient_scaling
        self.input_dims = input_dims
        self.weight_ee = nn.Parameter(torch.empty(n_e, *fan_in))
        self.weight_ie = nn.Parameter(torch.empty(n_i, *fan_in))
        self.weight_ei = nn.Parameter(torch.empty(n_e, n_i))
        self.gain_i = nn.Parameter(torch.empty(n_i))
        self.gain_e = nn.Parameter(torch.empty(n_e))
        self.bias = nn.Parameter(torch.empty(n_e))
        self.register_buffer("floor", torch.zeros(()))
        # As E-I Init would for spikes of probability 1/2: E1 = E2 = 1/2, V = 1/4.
        self.reset_parameters(math.sqrt(1 / (3 * self.fan_in)), math.sqrt(3 / self.fan_in))

    @property
    def fan_in(self) -> int:
        """d, the number of inputs of one neuron."""
        return self.weight_ee[0].numel()

    @property
    def stabilizer(self) -> Stabilizer:
        """Which stabilizer the divisor goes through."""
        return self._stabilizer

    @stabilizer.setter
    def stabilizer(self, value: Stabilizer) -> None:
        if value not in get_args(Stabilizer):
            raise InputError(
                f"{type(self).__name__}: unknown stabilizer {value!r}",
                f"Use one of: {', '.join(get_args(Stabilizer))}.",
            )
        self._stabilizer = value

    @torch.no_grad()
    def reset_parameters(
        self, weight_scale: float, gain_i: float, generator: torch.Generator | None = None
    ) -> None:
        """Draw W_EE, W_IE ~ Exponential(scale); set W_EI = 1/I, g_I, g_E = 1, b = 0.

        Args:
            weight_scale: mean of the exponential distribution.
            gain_i: value of every g_I.
            generator: source of random numbers; torch's global one if not given.
        """
        self.weight_ee.exponential_(1 / weight_scale, generator=generator)
        self.weight_ie.exponential_(1 / weight_scale, generator=generator)
        self.weight_ei.fill_(1 / self.weight_ei.shape[1])
        self.gain_i.fill_(gain_i)
        self.gain_e.fill_(1.0)
        self.bias.zero_()

    def merge(self, x: Tensor) -> Tensor:
        """The input with all its leading axes merged into one: [..., C, …] → [N, C, …]."""
        self._check_input(x)
        return x.reshape(-1, *x.shape[x.dim() - self.input_dims :])

    def components(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Balanced current B and divisor S (before its stabilizer) of merged input, both [N, E, …].

        Args:
            x: input ≥ 0 as `merge` gives it.
        """
        weight_ei = self._scaled_weight_ei()
        balanced, i_ie = self._drive(x, weight_ei).tensor_split([len(weight_ei)], 1)
        return balanced, circuit.shunt(i_ie, weight_ei, self.gain_i)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # by hand it is faster
    def forward(self, x: Tensor) -> Tensor:
        """The circuit's current.

        Args:
            x: input ≥ 0, [..., C, …], any number of leading axes. What is expanded along the first
                of them, as an image shown for some steps, is computed once.

        Returns:
            I, [..., E, …], expanded where x is.

        Raises:
            InputError: the input's shape does not fit, or the floor is in use and not calibrated.
        """
        self._check_input(x)
        if x.dim() > self.input_dims and len(x) > 1 and x.stride(0) == 0:
            once = self._current(x[0])
            return once.expand(len(x), *once.shape)
        return self._current(x)

    def _current(self, x: Tensor) -> Tensor:
        weight_ei = self._scaled_weight_ei()
        if not self.divisive:
            current = self.drive(self.merge(x), _balanced(*self._weights(weight_ei)))
        else:
            floor = self._floor_in_use()
            drive = self._drive(self.merge(x), weight_ei)
            with torch.autocast(x.device.type, enabled=False):  # half precision is no divisor
                current = circuit_current(
                    drive.to(weight_ei.dtype),
                    weight_ei,
                    self.gain_i,
                    self.gain_e,
                    self.bias,
                    self.stabilizer,
                    floor=floor,
                    straight_through=self.straight_through,
                )
        return current.reshape(*x.shape[: x.dim() - self.input_dims], *current.shape[1:])

    def drive(self, x: Tensor, weight: Tensor) -> Tensor:
        """The feed-forward current W x of merged input, for `weight` with any number of rows."""
        raise NotImplementedError

    def _drive(self, x: Tensor, weight_ei: Tensor) -> Tensor:
        """B and I_IE one after the other, [N, E + I, …]: one convolution is faster than two.

        Inhibition is subtracted from the weights, or from the currents where those are fewer.
        """
        places = x.numel() // self.weight_ee.shape[1]
        if places > self.fan_in:
            return self._frugal_drive(x, _balanced_and_inhibitory, self._weights(weight_ei))
        drive = self._frugal_drive(x, _excitatory_and_inhibitory, self._weights(weight_ei)[:2])
        with torch.autocast(x.device.type, enabled=False):  # a small difference
            drive = drive.to(weight_ei.dtype)
            i_ee, i_ie = drive.tensor_split([len(weight_ei)], 1)
            return torch.cat([circuit.balanced_current(i_ee, i_ie, weight_ei), i_ie], 1)

    def _frugal_drive(
        self, x: Tensor, make: Callable[..., Tensor], parts: tuple[Tensor, ...]
    ) -> Tensor:
        """`drive` that keeps x alone for its backward pass, for which the weight is made again."""
        made = make(*parts)
        with made_again(made, make, parts):
            return self.drive(x, made)

    def _weights(self, weight_ei: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The weights of this call; by its backward pass the module may have got others."""
        return self.weight_ee, self.weight_ie, weight_ei

    def _scaled_weight_ei(self) -> Tensor:
        if self.gradient_scaling:
            return circuit.scale_gradient(self.weight_ei, 1 / self.fan_in)
        return self.weight_ei

    def _floor_in_use(self) -> Tensor | None:
        if self.stabilizer != "floor":
            return None
        if self.floor > 0:
            return self.floor
        raise InputError(
            f"{type(self).__name__}: the floor of the stabilizer is not calibrated",
            "Calibrate it with eideploy.train.freeze, or use the adaptive stabilizer.",
        )

    def _check_input(self, x: Tensor) -> None:
        channels = self.weight_ee.shape[1]
        if x.dim() < self.input_dims or x.shape[-self.input_dims] != channels:
            axes = ", ".join(["...", str(channels), *["·"] * (self.input_dims - 1)])
            raise InputError(
                f"{type(self).__name__}: expected input of shape [{axes}], got {list(x.shape)}"
            )

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`."""
        n_e, n_i = self.weight_ei.shape
        return (
            f"{tuple(self.weight_ee.shape[1:])} → {n_e} E + {n_i} I, "
            f"divisive={self.divisive}, stabilizer={self.stabilizer!r}"
        )


def _balanced(weight_ee: Tensor, weight_ie: Tensor, weight_ei: Tensor) -> Tensor:
    with torch.autocast(weight_ei.device.type, enabled=False):  # a small difference
        return circuit.balanced_weight(weight_ee, weight_ie, weight_ei)


def _balanced_and_inhibitory(weight_ee: Tensor, weight_ie: Tensor, weight_ei: Tensor) -> Tensor:
    return torch.cat([_balanced(weight_ee, weight_ie, weight_ei), weight_ie])


def _excitatory_and_inhibitory(weight_ee: Tensor, weight_ie: Tensor) -> Tensor:
    return torch.cat([weight_ee, weight_ie])
