"""HTTP connections: uvicorn's protocol, with what a fake must know of each, and how they are dropped."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from uvicorn.config import Config
from uvicorn.server import ServerState

from otpgate_fakes.core.wirefaults import hang_up

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Base
except ImportError:  # no wheel of httptools here: the pure Python protocol does the same, slower
    from uvicorn.protocols.http.h11_impl import H11Protocol as Base  # type: ignore[assignment]

KEEP_ALIVE = 75


class Label(Struct, frozen=True):
    """What is known of a connection below HTTP: the provider its port belongs to, the host it asked for."""

    provider: str | None = None
    host: str | None = None


class Connection(Base):
    """One HTTP connection; it stands in its listener's set while it is open."""

    def __init__(self, config: Config, state: ServerState, loop: Any, label: Label) -> None:
        super().__init__(config=config, server_state=state, app_state={}, _loop=loop)
        self.label = label


class Serving:
    """An ASGI application as connections use it."""

    def __init__(self, app: Any) -> None:
        self.config = Config(
            app, http=Base, ws="none", lifespan="off", interface="asgi3", log_config=None, access_log=False,
            proxy_headers=False, server_header=False, date_header=False, timeout_keep_alive=KEEP_ALIVE,
        )
        self.config.load()
        self.state = ServerState()

    def connection(self, loop: Any, label: Label) -> Connection:
        return Connection(self.config, self.state, loop, label)

    @property
    def open(self) -> list[Connection]:
        return [one for one in self.state.connections if isinstance(one, Connection)]

    def give_up(self) -> None:
        """Drop what still waits: answers a fault holds back, long polls."""
        for task in [*self.state.tasks]:
            task.cancel()

    def close(self, chosen: list[Connection], abruptly: bool = False) -> None:
        """End connections: after the answer in progress, or at once with a reset."""
        for connection in chosen:
            if abruptly:
                hang_up(connection.transport)
            else:
                connection.shutdown()
