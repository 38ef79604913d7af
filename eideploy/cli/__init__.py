"""The command line: one verb per arrow of the flow, each a few lines on top of a package."""

from eideploy.cli.app import main

__all__ = ["main"]
