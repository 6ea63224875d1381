"""What environment the service gets."""

from __future__ import annotations

from collections.abc import Callable

from otpgate.config.model import Manifest
from otpgate.config.service_environment import compose_environment

Load = Callable[..., Manifest]
TEXT = """service:
  start: {command: [x], environment: {PORT: "{port}", A: started}}
  environment: [a.env]
gateways:
  one: {provider: twilio, auth_token: "${TOKEN}", sender: "${A}"}
"""


def test_the_order_is_caller_files_process_start_engine(load: Load) -> None:
    """Each wins over the one before it; the engine wins over all."""
    manifest = load(TEXT, {"a.env": "A=file\nB=file\nHOME=/deployed\nE=file\n"}, {"TOKEN": "t", "A": "process"})
    composed, notes = compose_environment(manifest, {"E": "engine"}, {"PATH": "/bin", "HOME": "/home", "LANG": "C", "SHELL": "sh", "TOKEN": "x"})
    assert composed == {
        "PATH": "/bin", "HOME": "/deployed", "LANG": "C", "A": "started", "B": "file", "E": "engine", "TOKEN": "t", "PORT": "{port}",
    }
    assert notes == ("E is deployed at a.env:4:3 and replaced by otpgate's own in this run",)


def test_nothing_else_of_the_callers_shell_is_passed(load: Load) -> None:
    """A missing key is missing, though the caller's shell has it."""
    manifest = load(TEXT, {"a.env": ""}, {"AWS_PROFILE": "x"})
    composed, notes = compose_environment(manifest, {}, {"PATH": "/bin", "AWS_PROFILE": "x", "TOKEN": "t"})
    assert composed == {"PATH": "/bin", "PORT": "{port}", "A": "started"}
    assert notes == ()


def test_values_arrive_byte_for_byte(load: Load) -> None:
    """Source texts, quotes and spaces are those of the loader."""
    text = "service:\n  environment: [a.yaml, {file: b.env, loader: docker}]\n"
    manifest = load(text, {"a.yaml": "PLUS: +12025550143\nEXP: 12e10\nZERO: 007\nNO: NO\n", "b.env": 'Q="x" \n'})
    composed, _ = compose_environment(manifest, {}, {})
    assert composed == {"PLUS": "+12025550143", "EXP": "12e10", "ZERO": "007", "NO": "NO", "Q": '"x" '}
