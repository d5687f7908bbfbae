"""What a foreign file claims is bounded before memory is taken, and what its parser raises becomes one error."""
