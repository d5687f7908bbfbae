"""One module a data set, each with a function `load() -> Dataset`; the table of names is `data/named.py`."""
