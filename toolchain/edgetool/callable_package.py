"""Packages whose name is a function of the Python interface too: `edgetool.verify` and `edgetool.embed`.

Importing a package sets its name in `edgetool`, in place of the function that stood there. So the package itself takes
the call and hands it on.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["CallablePackage", "make_callable"]

CALLS = "edgetool.interface.calls"


class CallablePackage(ModuleType):
    """A package that can be called as the function of the Python interface that has its name."""

    def __call__(self, *arguments: object, **options: object) -> Any:
        """Call the function."""
        function = getattr(importlib.import_module(CALLS), self.__name__.rpartition(".")[2])
        return function(*arguments, **options)


def make_callable(package: str) -> None:
    """Let the package of that name, which is being imported, be called."""
    sys.modules[package].__class__ = CallablePackage
