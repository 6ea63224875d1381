"""Engines start the service and the fakes, wire them, and stop them."""

from otpgate.engines.model import Engine, EngineOptions
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable


def create(options: EngineOptions) -> Engine:
    """The engine that the options ask for; `auto` is the process engine. Raises EnvironmentUnusable."""
    if options.kind in {"auto", "process"}:
        return ProcessEngine(options)
    raise EnvironmentUnusable(
        f"the engine `{options.kind}` is not part of this version", where="--engine",
        why="services and fakes run as processes of this machine",
        do="use --engine process, or leave the option out",
    )
