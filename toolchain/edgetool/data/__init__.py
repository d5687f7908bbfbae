"""Data sets: splits from files, folders and functions; preprocessing stated once and used everywhere."""
