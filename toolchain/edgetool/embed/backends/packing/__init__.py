"""Weights that stay packed in flash."""
