"""What is installed, what is missing, and what to type: the checks of `edgetool doctor`."""
