"""The context of passes: what is not said stands for portable C of a graph in memory."""

from __future__ import annotations

from edgetool.embed.compiler.context import IO, PACK, Context


def test_defaults_ask_for_portable_c() -> None:
    context = Context()
    assert context.path is None and context.isa == "" and context.flash_bytes is None
    assert context.io in IO and context.pack in PACK
