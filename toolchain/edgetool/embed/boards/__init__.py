"""Bundles as firmware of a board."""
