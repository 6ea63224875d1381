"""The small service over a client that heeds neither proxy nor CA variables: Plivo's official Python SDK, as it is installed."""

from __future__ import annotations

import os

import otp
import plivo
from otp import Failed, Handler, ThreadingHTTPServer


def through_plivo(to: str, text: str) -> str:
    client = plivo.RestClient(os.environ["PLIVO_AUTH_ID"], os.environ["PLIVO_AUTH_TOKEN"])
    try:
        return client.messages.create(src=os.environ["PLIVO_FROM"].lstrip("+"), dst=to.lstrip("+"), text=text).message_uuid[0]
    except (plivo.exceptions.PlivoRestError, OSError) as error:
        raise Failed(type(error).__name__) from error


otp.SEND["alpha"] = through_plivo

if __name__ == "__main__":
    ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Handler).serve_forever()
