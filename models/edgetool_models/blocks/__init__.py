"""Blocks that several models of the zoo are built of; no model by itself."""
