"""C text written from a program."""
