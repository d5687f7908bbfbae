"""Where activations, states and scratch memory lie."""
