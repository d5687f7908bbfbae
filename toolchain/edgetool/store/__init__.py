"""The run folder: atomic files, the manifest, resume."""
