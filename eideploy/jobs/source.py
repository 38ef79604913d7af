"""The code that results depend on: it may change while its version does not."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path


@cache
def source(name: str) -> str:
    """SHA-256 of the Python files of a package, or of a module that is alone.

    Args:
        name: of anything in it that is imported, such as the `__module__` of a class. What has no
            files, because it was typed in, has the digest of none.
    """
    package = name.partition(".")[0]
    found = hashlib.sha256(package.encode())
    module = sys.modules.get(package)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    files = [
        (file, file.relative_to(folder)) for folder in folders for file in folder.rglob("*.py")
    ]
    if not folders and (alone := getattr(module, "__file__", None)):
        files.append((Path(alone), Path(Path(alone).name)))
    for file, named in sorted(files):
        content = file.read_bytes()
        found.update(f"{named.as_posix()} {len(content)} ".encode() + content)
    return found.hexdigest()
