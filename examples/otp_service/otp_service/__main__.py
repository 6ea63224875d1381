"""`python -m otp_service`: read the settings, then serve."""

from __future__ import annotations

import json
import logging
import os
import sys
import time

import uvicorn

from otp_service.app import build
from otp_service.settings import SettingsError, read

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object per line; only what a call names, so a code cannot slip in with an object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": round(time.time(), 3), "level": record.levelname.lower(), "event": record.getMessage()}
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        return json.dumps(line)


def main() -> int:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("otp").setLevel(logging.INFO)
    try:
        settings = read(os.environ)
    except SettingsError as error:
        print(f"otp_service cannot start:\n{error}", file=sys.stderr)
        return 78
    uvicorn.run(build(settings), host=settings.host, port=settings.port, access_log=False, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
