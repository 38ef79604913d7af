"""Pictures that live inside a page: the look of all of them, and how they become text.

The colours keep apart for every kind of colour vision. matplotlib is imported when the first
picture is drawn.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d2433", "#667085", "#e4e7ec"
BLUE, ORANGE = "#1769e0", "#e8590c"
PALE_BLUE, PALE_ORANGE = "#a9c9f7", "#ffc09a"

_TYPES = {"svg": "svg+xml", "png": "png"}


@contextmanager
def figure(width: float, height: float, **subplots: Any) -> Iterator[tuple[Figure, Any]]:
    """An empty figure in the style of the pages, and its axes.

    Args:
        width: in inches.
        height: in inches.
        subplots: as `matplotlib.figure.Figure.subplots` takes them; one pair of axes without them.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style = {
        "font.size": 10,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "axes.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "eideploy",  # ids that do not change from run to run
    }
    with rc_context(style):
        picture = Figure(figsize=(width, height), dpi=200, layout="constrained")
        yield picture, picture.subplots(**subplots)


def data_uri(picture: Figure, kind: Literal["svg", "png"] = "svg") -> str:
    """The figure as a data URI."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    picture.savefig(buffer, format=kind, metadata=metadata)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{_TYPES[kind]};base64,{encoded}"
