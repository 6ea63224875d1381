"""The reference: one Starlette route with the same answer."""

from same_answer import PATH, answer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def send(request: Request) -> Response:
    """Answer one send."""
    status, body = answer(request.headers.get("authorization"), await request.body())
    return Response(body, status, media_type="application/json")


app = Starlette(routes=[Route(PATH, send, methods=["POST"])])
