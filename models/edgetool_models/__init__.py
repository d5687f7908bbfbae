"""The built-in models: one folder a model, each with a builder and a card (`model.toml`)."""
