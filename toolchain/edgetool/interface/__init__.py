"""The Python interface: what the commands do, for programs and notebooks. `import edgetool` gives its names."""
