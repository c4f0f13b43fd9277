"""A program run in a terminal: what it writes there, with the terminal's answers to its questions."""

import fcntl
import os
import pty
import struct
import subprocess
import termios


def run_in_terminal(command, *, columns=80, answers=None, env=None):
    """The bytes that the command wrote to a terminal of 25 lines, and its exit code.

    answers: what the terminal replies, by what it is asked; it is always ready.
    """
    answers = {b"\x1b[5n": b"\x1b[0n"} | (answers or {})
    n_given = dict.fromkeys(answers, 0)
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 8 * columns, 16 * 25))
    plain = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    streams = {"stdin": side, "stdout": side, "stderr": side}
    process = subprocess.Popen(command, **streams, env=plain | {"TERM": "xterm-256color"} | (env or {}))
    os.close(side)
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux reports the end like this
            break
        if not part:
            break
        written += part
        for question, answer in answers.items():
            for _ in range(written.count(question) - n_given[question]):
                n_given[question] += 1
                os.write(terminal, answer)
    os.close(terminal)
    return written.replace(b"\r\n", b"\n"), process.wait()


# Of the terminal that the tests run in.
VARIABLES = (
    "TERM", "TERM_PROGRAM", "LC_TERMINAL", "TMUX", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "COLUMNS", "LINES",
    "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR",
)  # fmt: skip
