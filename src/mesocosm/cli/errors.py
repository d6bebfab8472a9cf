"""What goes wrong for a person at the command line, with the next thing to do."""

from __future__ import annotations


class CliError(Exception):
    """A failure that is explained in one sentence; `hint` is what to do next."""

    def __init__(self, message: str, hint: str = "", *, code: str = "Error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
