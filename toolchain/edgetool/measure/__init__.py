"""Statistics of latency, memory and noise."""
