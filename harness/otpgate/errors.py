"""The exception tree. Each error says what happened, where, why and what to do; none shows a traceback.

OtpgateError
├── UsageError        exit 2: options, manifest, account files
├── InternalError     exit 3: a fault of otpgate itself
├── EnvironmentUnusable  exit 4: port, engine, fence, service that does not start
└── NothingSelected   exit 5: nothing was selected or loaded
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otpgate.findings import Span

CLEAN, FINDINGS, USAGE, INTERNAL, ENVIRONMENT, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

PRECEDENCE = (INTERRUPTED, INTERNAL, USAGE, FINDINGS, ENVIRONMENT, NOTHING)


def strongest(codes: set[int]) -> int:
    """The exit code when several apply: 130, 3, 2, 1, 4, 5, else 0."""
    return next((code for code in PRECEDENCE if code in codes), CLEAN)


class OtpgateError(Exception):
    """`what` happened, `where` (a Span or text), `why`, and what to `do`."""

    exit_code = INTERNAL

    def __init__(self, what: str, *, where: Span | str | None = None, why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.do = do

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        lines = [f"{place}{self.what}"]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.do:
            lines.append(f"  do:  {self.do}")
        return "\n".join(lines)


class UsageError(OtpgateError):
    exit_code = USAGE


class ManifestError(UsageError):
    """A fault in the manifest or an account file; `where` is its place."""


class InternalError(OtpgateError):
    exit_code = INTERNAL


class EnvironmentUnusable(OtpgateError):
    exit_code = ENVIRONMENT


class NothingSelected(OtpgateError):
    exit_code = NOTHING
