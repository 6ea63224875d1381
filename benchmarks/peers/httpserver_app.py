"""pytest-httpserver with the same answer."""

import sys
import threading

from pytest_httpserver import HTTPServer
from same_answer import PATH, answer
from werkzeug import Request, Response


def send(request: Request) -> Response:
    """Answer one send."""
    status, body = answer(request.headers.get("Authorization"), request.get_data())
    return Response(body, status, content_type="application/json")


server = HTTPServer(host="127.0.0.1", port=int(sys.argv[1]))
server.expect_request(PATH, method="POST").respond_with_handler(send)
server.start()
threading.Event().wait()
