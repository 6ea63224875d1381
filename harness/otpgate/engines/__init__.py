"""Engines start the service and the fakes, wire them, and stop them."""

from importlib import import_module

from otpgate.engines.model import Engine, EngineOptions
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable

KINDS = ("auto", "process", "docker")
EXTRA = "pip install 'otpgate[docker]'"


def create(options: EngineOptions) -> Engine:
    """The engine that the options ask for. Raises EnvironmentUnusable.

    `auto` is docker where only an image is given and an engine answers, else process; it says so where that
    is not what one would expect.
    """
    if options.kind not in KINDS:
        raise EnvironmentUnusable(
            f"the engine `{options.kind}` is not part of this version", where="--engine", do=f"choose from {', '.join(KINDS)}",
        )
    if options.kind == "docker":
        return container_engine(options)
    if options.kind == "auto" and options.image_only:
        try:
            made = container_engine(options)
        except EnvironmentUnusable as error:
            tell(options, f"engine process, because docker cannot be used: {error.what} ({error.why or error.where})")
        else:
            tell(options, "engine docker, because the service has an image and no command")
            return made
    return ProcessEngine(options)


def container_engine(options: EngineOptions) -> Engine:
    """The docker engine, imported now. Raises EnvironmentUnusable where its extra is missing or no engine answers."""
    try:
        module = import_module("otpgate.engines.docker")
    except ImportError as error:
        raise EnvironmentUnusable(
            "the docker engine is not installed", where="--engine docker", why=str(error), do=EXTRA,
        ) from error
    made: Engine = module.DockerEngine(options)
    return made


def tell(options: EngineOptions, text: str) -> None:
    """Say something about the choice, where somebody listens."""
    if options.on_choice is not None:
        options.on_choice(text)
