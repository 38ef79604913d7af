"""What was measured on."""

from __future__ import annotations

import os
import platform

import torch


def machine() -> dict[str, object]:
    """Versions and hardware, as plain JSON values."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def machine_in_words() -> str:
    """The same in a line."""
    return ", ".join(f"{key} {value}" for key, value in machine().items() if value is not None)
