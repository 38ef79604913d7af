"""Lava's process models without Lava's runtime: all of them stepped in this process.

Lava's compiler chooses the models, and Lava's builders make them with their variables and ports;
only the channels between the ports are ours. What a model receives does not depend on when it and
the others run, as long as each waits for what it receives (a Kahn process network): any order
gives what the runtime gives. The order in which models ended a step is tried in the next one.

In a hardware step each model sends and receives one message on each of its channels. A model that
wants to receive what was not sent yet is started again later in the same step, from its beginning:
what it has sent counts, and its state must still be as it was. So it is for synapses, which send
first and then receive before they change anything, and for neurons, which receive first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lava.magma.compiler.executable import Executable
from lava.magma.core.process.ports.ports import create_port_id
from lava.magma.core.process.process import AbstractProcess

from eideploy.errors import TargetError
from eideploy.program import Array
from eideploy_targets.lava.feed import Feed
from eideploy_targets.lava.network import Network

_Model = tuple[str, Any]
"""A process model and the name of its process."""


class InProcess:
    """A network that is run step by step.

    Args:
        executable: of the network, by Lava's compiler.
        network: what was compiled; its sources hold one step.
        feed: what the sources emit.
        steps: hardware steps to run.

    Raises:
        TargetError: Lava cannot build a process.
    """

    def __init__(self, executable: Executable, network: Network, feed: Feed, steps: int) -> None:
        self.steps = steps
        self.feed = feed
        self.clock = _Clock()
        _connect(executable, self.clock)
        models = {process: _build(process, executable) for process in executable.process_list}
        self.models: list[_Model] = [
            (process.proc_params["name"], model) for process, model in models.items()
        ]
        self.sources = {name: models[process] for name, process in network.sources.items()}

    def proceed(self) -> bool:
        """Run one hardware step; whether it was the last."""
        self.clock.step += 1
        for name, model in self.sources.items():
            model.data[..., 0] = self.feed.at(name, self.clock.step - 1)
        waiting = self.models
        ended: list[_Model] = []
        while waiting:
            again: list[_Model] = []
            sent = self.clock.sent
            for name, model in waiting:
                (ended if self._ran(name, model) else again).append((name, model))
            if len(again) == len(waiting) and self.clock.sent == sent:
                names = ", ".join(repr(name) for name, _ in again)
                raise TargetError(f"processes of Lava wait for each other: {names}")
            waiting = again
        self.models = ended
        return self.clock.step >= self.steps

    def watch(self, progress: str) -> None:
        """Nothing happens between two steps."""

    def _ran(self, name: str, model: Any) -> bool:
        """Whether a model could run its step to the end."""
        model.time_step = self.clock.step
        try:
            model.run_spk()
        except _NotSentYetError:
            return False
        except Exception as error:
            raise TargetError(
                f"Lava's process of {name!r} failed: {type(error).__name__}: {error}"
            ) from error
        return True


class _NotSentYetError(Exception):
    """What a model wants to receive is not there yet."""


@dataclass(eq=False)
class _Clock:
    """The hardware step that is being run, from 1, and how many messages were sent so far."""

    step: int = 0
    sent: int = 0


@dataclass(eq=False)
class _Sender:
    """Stands in for `CspSendPort`. A message is cast to the type of the channel and copied."""

    name: str
    shape: tuple[int, ...]
    dtype: type
    clock: _Clock
    step: int = 0
    message: Any = None

    def send(self, data: Array) -> None:
        if data.shape != self.shape:
            raise ValueError(f"{self.name} has shape {self.shape}, and {data.shape} was sent")
        if self.step < self.clock.step:
            self.message = data.astype(self.dtype)
            self.step = self.clock.step
            self.clock.sent += 1


@dataclass(eq=False)
class _Receiver:
    """Stands in for `CspRecvPort`."""

    name: str
    sender: _Sender

    def recv(self) -> Array:
        if self.sender.step < self.sender.clock.step:
            raise _NotSentYetError
        message: Array = self.sender.message
        return message


@dataclass(eq=False)
class _Mailbox:
    """Both ends of the channel from a tape to us."""

    name: str
    pages: deque[Array] = field(default_factory=deque)

    def send(self, page: Array) -> None:
        self.pages.append(page.copy())

    def probe(self) -> bool:
        return bool(self.pages)

    def recv(self) -> Array:
        return self.pages.popleft()


def _connect(executable: Executable, clock: _Clock) -> None:
    """Give the builders ends of channels, as `Runtime._build_channels` does."""
    builders: Mapping[AbstractProcess, Any] = executable.proc_builders
    for channel in executable.channel_builders:
        source, target = channel.src_port_initializer, channel.dst_port_initializer
        sender = _Sender(source.name, source.shape, source.d_type, clock)
        receiver = _Receiver(target.name, sender)
        builders[channel.src_process].set_csp_ports([sender])
        builders[channel.dst_process].set_csp_ports([receiver])
        port = create_port_id(channel.src_process.id, source.name)
        builders[channel.dst_process].add_csp_port_mapping(port, receiver)
    for process, builder in builders.items():
        for port in process.out_ports:
            if port.external_pipe_flag:
                port.external_pipe_csp_recv_port = _Mailbox(port.name)
                builder.set_csp_ports([port.external_pipe_csp_recv_port])


def _build(process: AbstractProcess, executable: Executable) -> Any:
    try:
        return executable.proc_builders[process].build()
    except Exception as error:
        raise TargetError(f"Lava cannot build a process: {error}") from error
