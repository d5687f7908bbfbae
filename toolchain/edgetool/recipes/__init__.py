"""Recipes: ordered passes, then exports, each one TOML file."""
