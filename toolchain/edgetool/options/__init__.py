"""Options of the commands, each declared once: for the command line, the Python interface and what they both call."""
