"""Proof that exports agree: parity of outputs, invariants in the exported file."""
