"""What an HTTP front end asks of an application, and the application that answers as providers do.

`handle(request)` gives what to answer, or a coroutine that will. `hears_out` says that an answer in the
making is finished even when the client has gone: a provider does what it was asked, heard or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from msgspec import Struct

from otpgate_fakes.core.app import Call, Pipeline
from otpgate_fakes.core.fake import Reply, Request


class Answered(Struct):
    """What goes back. No reply: the connection is reset. `cut`: it ends in the middle of the body."""

    reply: Reply | None
    cut: bool = False


class App(Protocol):
    """An application behind a front end."""

    hears_out: bool

    def handle(self, request: Request) -> Answered | Coroutine[Any, Any, Answered]: ...


class ProviderApp:
    """Answers as providers do. `provider` is None where the Host header says which."""

    hears_out = True

    def __init__(self, pipeline: Pipeline, provider: str | None = None) -> None:
        self.pipeline = pipeline
        self.provider = provider

    def handle(self, request: Request) -> Answered | Coroutine[Any, Any, Answered]:
        call = self.pipeline.begin(request, self.provider)
        effects = call.effects
        if effects is None:
            return Answered(self.pipeline.finish(call))
        if effects.delay:
            return self._later(call, effects.delay)
        return self._now(call)

    def _now(self, call: Call) -> Answered:
        return Answered(self.pipeline.finish(call), cut=call.effects is not None and call.effects.wire == "truncate")

    async def _later(self, call: Call, seconds: float) -> Answered:
        try:
            await self.pipeline.runtime.clock.sleep(seconds)
        except asyncio.CancelledError:
            return Answered(None)
        return self._now(call)
