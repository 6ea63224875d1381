"""What environment the service gets."""

from __future__ import annotations

from collections.abc import Callable

from otpgate.config.model import Manifest
from otpgate.config.service_environment import composed

Load = Callable[..., Manifest]
TEXT = """service:
  start: {command: [x], environment: {PORT: "{port}", A: started}}
  environment: [a.env]
gateways:
  one: {provider: twilio, auth_token: "${TOKEN}", sender: "${A}"}
"""


def test_the_order_is_caller_files_process_start(load: Load) -> None:
    """Each wins over the one before it."""
    manifest = load(TEXT, {"a.env": "A=file\nB=file\nHOME=/deployed\n"}, {"TOKEN": "t", "A": "process"})
    assert composed(manifest, {"PATH": "/bin", "HOME": "/home", "LANG": "C", "SHELL": "sh", "TOKEN": "x"}) == {
        "PATH": "/bin", "HOME": "/deployed", "LANG": "C", "A": "started", "B": "file", "TOKEN": "t", "PORT": "{port}",
    }


def test_nothing_else_of_the_callers_shell_is_passed(load: Load) -> None:
    """A missing key is missing, though the caller's shell has it."""
    manifest = load(TEXT, {"a.env": ""}, {"AWS_PROFILE": "x"})
    assert composed(manifest, {"PATH": "/bin", "AWS_PROFILE": "x", "TOKEN": "t"}) == {"PATH": "/bin", "PORT": "{port}", "A": "started"}


def test_values_arrive_byte_for_byte(load: Load) -> None:
    """Source texts, quotes and spaces are those of the loader."""
    text = "service:\n  environment: [a.yaml, {file: b.env, loader: docker}]\n"
    manifest = load(text, {"a.yaml": "PLUS: +12025550143\nEXP: 12e10\nZERO: 007\nNO: NO\n", "b.env": 'Q="x" \n'})
    assert composed(manifest, {}) == {"PLUS": "+12025550143", "EXP": "12e10", "ZERO": "007", "NO": "NO", "Q": '"x" '}
