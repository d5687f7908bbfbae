"""Data sets with a name, one module each: `load() -> Dataset`; `edgetool.data.named.NAMED_DATA` lists them."""
