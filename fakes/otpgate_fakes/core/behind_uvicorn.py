"""The same front end on uvicorn's protocols, for machines without a wheel of httptools: slower, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from otpgate_fakes.core.connections import Label
from otpgate_fakes.core.fake import Request
from otpgate_fakes.core.hosts import split_host
from otpgate_fakes.core.replies import NO_BODY, NOW, body_of, head
from otpgate_fakes.core.web import Answered, App
from otpgate_fakes.core.wirefaults import hang_up, truncate


class Gone(Exception):
    """The client went away before its request was read whole."""


class Connection(H11Protocol):
    """One HTTP connection; it stands in its listener's set while it is open."""

    def __init__(self, config: Config, state: ServerState, loop: Any, label: Label) -> None:
        super().__init__(config=config, server_state=state, app_state={}, _loop=loop)
        self.label = label


class Serving:
    """An application with the connections it serves, as uvicorn calls it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.config = Config(
            self.called, http=H11Protocol, ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, date_header=False, timeout_keep_alive=75,
        )
        self.config.load()
        self.state = ServerState()

    async def called(self, scope: Any, receive: Any, send: Any) -> None:
        """The application as ASGI."""
        if scope["type"] != "http":
            return
        try:
            request = await read(scope, receive)
        except Gone:
            return
        answered = self.app.handle(request)
        await write(send, answered if isinstance(answered, Answered) else await answered, request.method)

    def connection(self, loop: Any, label: Label) -> Connection:
        return Connection(self.config, self.state, loop, label)

    @property
    def open(self) -> list[Connection]:
        return [one for one in self.state.connections if isinstance(one, Connection)]

    def close(self, chosen: Iterable[Any], abruptly: bool = False) -> None:
        for connection in chosen:
            if abruptly:
                hang_up(connection.transport)
            else:
                connection.shutdown()

    def give_up(self) -> None:
        for task in [*self.state.tasks]:
            task.cancel()


async def read(scope: Any, receive: Any) -> Request:
    """The request as a plain value, body included."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    netloc, client = headers.get("host", ""), scope.get("client")
    path = scope["path"]
    if "://" in path:  # the absolute form a proxy is asked in, which this server does not take apart
        path = urlsplit(path).path or "/"
    return Request(
        method=scope["method"], path=path, raw_query=scope["query_string"].decode("latin-1"), headers=headers,
        body=body, base=f"{scope['scheme']}://{netloc}", host=split_host(netloc)[0].lower(), scheme=scope["scheme"],
        client=client[0] if client else "127.0.0.1",
    )


async def write(send: Any, answered: Answered, method: str) -> None:
    """Send what was answered by the two messages of ASGI; wire faults go to the transport behind them."""
    reply, transport = answered.reply, send.__self__.transport
    if reply is None:
        hang_up(transport)
        return
    if answered.cut:
        truncate(transport, head(reply), reply.body)
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers]
    headers.append((b"date", NOW.text().encode()))
    if reply.content_type:
        headers.append((b"content-type", reply.content_type.encode("latin-1")))
    if reply.status not in NO_BODY:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body_of(reply, method), "more_body": False})
