"""Prepare this process for a supervised command, and become that command.

The process ends when its supervisor ends (on Linux), gets a limit of memory, and can be stopped by SIGINT although a
shell may have started the supervisor in the background, where SIGINT is ignored. This file is run as a script by a bare
interpreter: `launch.py SUPERVISOR BYTES COMMAND...`.
"""

import ctypes
import os
import resource
import signal
import sys
from typing import Final

REFUSED: Final = 125  # exit code if the command could not be started; the reason is printed
_PR_SET_PDEATHSIG: Final = 1  # of linux/prctl.h


def launch(supervisor: int, memory: int, command: list[str]) -> None:
    """Become the command, with an address space of at most `memory` bytes; exit if that cannot be done."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:  # it ended before its end was watched
        sys.exit(REFUSED)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (OSError, ValueError, OverflowError) as error:
        print(f"the system refused the memory limit of {memory / (1 << 30):.4g} GiB ({error})")
        sys.exit(REFUSED)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: cannot be started ({error.strerror})")
        sys.exit(REFUSED)


if __name__ == "__main__":
    launch(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
