"""Run a command that ends when the process that started it ends: `python -m governance.tied COMMAND…`.

After kill -9 of the parent nothing else would tell its children. Only Linux can do this; elsewhere the command just
runs, and the next start of the server ends what it finds left over.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)  # The parent ended before we could ask to be told.
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
