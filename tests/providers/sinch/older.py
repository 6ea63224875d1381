"""Runs calls of the older Python SDK (1.x) as the JSON on stdin says, one after another, and prints what came of each as JSON."""

import json
import sys

from sinch import SinchClient
from sinch import __version__ as version


def run(order: dict) -> dict:
    client = SinchClient(application_key=order["key"], application_secret=order["secret"])
    domain, _, call = order["call"].partition(".")
    try:
        found = getattr(getattr(client.verification, domain), call)(**order["arguments"])
        return {"value": {name: value for name, value in vars(found).items() if name in ("id", "method", "status", "reason")}}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "status": getattr(error, "response_status_code", None)}


print(json.dumps([version, *map(run, json.load(sys.stdin))]))
