"""What generated C is compared with: LiteRT's reference kernels."""
