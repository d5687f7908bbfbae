"""Exporters: a `ModelState` becomes a file."""
