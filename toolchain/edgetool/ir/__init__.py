"""Read a model file into a graph of operators and tensors: MACs, parameters, sparsity, memory plan."""
