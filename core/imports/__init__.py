"""Imports, as the door that takes files and the worker that reads them both know them."""

from core.imports.mapping import Column, Mapping

__all__ = ["Column", "Mapping"]
