"""Data sets of the zoo's models, one module each with a function `load() -> Dataset`."""
