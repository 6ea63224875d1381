"""A service of one file: answers /ready after DELAY polls, and tells what it sees of its surroundings."""

import json
import os
import ssl
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLLS = {"left": int(os.environ.get("UNREADY_POLLS", "0"))}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/ready" and POLLS["left"] > 0:
            POLLS["left"] -= 1
            self.answer(503, {"left": POLLS["left"]})
        elif self.path.startswith("/fetch?"):
            self.answer(200, fetch(self.path.partition("?")[2]))
        elif self.path == "/clock":
            self.answer(200, {"time": time.time(), "monotonic": time.monotonic()})
        elif self.path == "/environment":
            self.answer(200, dict(os.environ))
        else:
            self.answer(200, {"pid": os.getpid(), "path": self.path})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *arguments: object) -> None:
        print("asked for", self.path, file=sys.stderr, flush=True)


def fetch(url: str) -> dict:
    context = ssl.create_default_context()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=5) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except OSError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    print("starting with", os.environ.get("GREETING", "nothing"), flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
