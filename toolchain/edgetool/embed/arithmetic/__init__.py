"""The integer arithmetic of kernels: factors, tables, fixed point, bounds of sums."""
