"""Data sets with a name, one module each: `load() -> Dataset`."""
