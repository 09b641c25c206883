"""The command `cogep`."""

from ops.cli.app import main

__all__ = ["main"]
