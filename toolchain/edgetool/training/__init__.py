"""Training with Keras 3: from a card and data to `model.keras`, resumable."""
