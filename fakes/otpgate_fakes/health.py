"""The container's health check: exit code 0 when the admin API says it is ready."""

from __future__ import annotations

import http.client
import json
import os
import sys

WHERE = "127.0.0.1:4000"
WITHIN = 3.0


def main() -> int:
    """Ask the control port that OTPGATE_CONTROL names; says on stderr why it is not well."""
    where = os.environ.get("OTPGATE_CONTROL", WHERE)
    connection = http.client.HTTPConnection(where, timeout=WITHIN)
    try:
        connection.request("GET", "/_otpgate/health")
        answer = connection.getresponse()
        ready = json.loads(answer.read())["ready"]
    except (OSError, ValueError, KeyError, http.client.HTTPException) as broken:
        print(f"{where}: {broken}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 and ready else 1


if __name__ == "__main__":
    sys.exit(main())
