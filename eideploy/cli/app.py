"""The application: global options, the verbs, and errors as a few lines with an exit code.

Exit codes: 0 it holds; 1 it does not hold, or a target failed; 2 bad usage or bad input; 3 a needed
component is missing; 70 a defect of eideploy itself; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from eideploy import __version__
from eideploy.cli.conformance import conform
from eideploy.cli.console import err, print_error
from eideploy.cli.demo import demo
from eideploy.cli.deploy import compile_, export, inspect
from eideploy.cli.deploy import run as run_
from eideploy.cli.importing import freeze, import_checkpoint
from eideploy.cli.models import models
from eideploy.cli.netx import import_netx
from eideploy.cli.recording import record
from eideploy.cli.system import doctor, targets
from eideploy.cli.training import train
from eideploy.cli.verification import verify
from eideploy.errors import EideployError, EideployWarning

app = typer.Typer(
    name="eideploy",
    help="Train excitatory-inhibitory spiking networks, deploy them, and prove that what runs is "
    "what was trained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"eideploy {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="EIDEPLOY_DEBUG", help="Show tracebacks.")
    ] = False,
) -> None:
    """Global options; they stand before the verb."""


VERBS: dict[str, dict[str, Callable[..., None]]] = {
    "Everything at once": {"demo": demo},
    "The way of a network": {
        "train": train,
        "import-checkpoint": import_checkpoint,
        "import-netx": import_netx,
        "freeze": freeze,
        "export": export,
        "compile": compile_,
        "run": run_,
    },
    "The proof": {"verify": verify, "record": record, "conform": conform},
    "Looking around": {
        "inspect": inspect,
        "targets": targets,
        "models": models,
        "doctor": doctor,
    },
}

for panel, verbs in VERBS.items():
    for name, verb in verbs.items():
        app.command(name, rich_help_panel=panel)(verb)

# The base of all usage errors; Typer hands on only one of its heirs by name.
_UsageError: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

INTERRUPTED = 130
"""The exit code of an interrupt; Typer catches Ctrl-C in a verb and returns this."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    debug = "--debug" in arguments or bool(os.environ.get("EIDEPLOY_DEBUG"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", EideployWarning)
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            code = app(list(arguments), prog_name="eideploy", standalone_mode=False)
    except EideployError as error:
        if debug:
            err.print_exception()
        print_error(error)
        return error.exit_code
    except _UsageError as error:
        error.show()
        return 2
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort of a command line
        if debug:
            err.print_exception()
        err.print(f"[bold red]defect:[/] {type(error).__name__}: ", end="")
        err.print(str(error), markup=False, soft_wrap=True)
        err.print("This should not happen. Run again with --debug and report it.", style="dim")
        return 70
    if code == INTERRUPTED:
        err.print("interrupted")
    return code if isinstance(code, int) else 0


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Warnings of eideploy are for the user; those of libraries are not."""
    if issubclass(category, EideployWarning):
        err.print("[yellow]warning:[/]", end=" ")
        err.print(str(message), markup=False, soft_wrap=True)
