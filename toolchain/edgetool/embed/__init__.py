"""Embed an artefact in a device: C sources."""
