"""A movable clock for one service: libfaketime reading a time-stamp file. Monotonic time stays real."""

from __future__ import annotations

import glob
import os

PLACES = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
    "/opt/homebrew/lib/faketime/libfaketime*.so.1",
)
SWITCHES = {
    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
}


def library() -> str | None:
    """Where libfaketime is installed, None when it is not."""
    return next((path for place in PLACES for path in sorted(glob.glob(place))), None)


def movable(environment: dict[str, str], file: str, preload: str) -> dict[str, str]:
    """The environment with a clock that follows `file`, which is created with no shift."""
    with open(file, "w", encoding="ascii") as stamp:
        stamp.write("+0\n")
    already = environment.get("LD_PRELOAD", "")
    return {
        **environment,
        "LD_PRELOAD": f"{preload}:{already}" if already else preload,
        "FAKETIME_TIMESTAMP_FILE": os.path.abspath(file),
        **SWITCHES,
    }
