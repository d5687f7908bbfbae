"""The command line: one thin file a command.

Until `main.run` has its own, Ctrl-C has the system's handler: it ends the program without Python's traceback.
"""

import signal
import sys

_program = "".join(sys.argv[:1]).rpartition("/")[2]
_is_ours = _program in ("edgetool", "-m")  # else this is imported by somebody else's program
if _is_ours and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
