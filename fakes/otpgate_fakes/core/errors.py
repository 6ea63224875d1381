"""What can go wrong before a fake serves: one message each, and the exit code it ends with."""

from __future__ import annotations


class Problem(Exception):
    """A fault of the caller or of the surroundings: what happened, and `hint`, what to do about it."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  {self.hint}" if self.hint else message


class Unusable(Problem):
    """The surroundings do not allow it: a port is taken, a socket cannot be made."""

    exit_code = 4


class Answer(Exception):
    """An admin call that is answered with an error: status, what is wrong, what to do."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint
