"""The built-in targets: one folder a target, each with a `target.toml`."""
