"""What every part measures with: processes side by side, load on a core of its own, a ratio and its bar."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / "peers"
EXAMPLE = ROOT / "examples/otp_service"
MANIFEST = EXAMPLE / "otpgate.yaml"
BIN = Path(sys.executable).parent
SCHEMA = ROOT / "contracts/otpgate_contracts/schema/manifest.schema.json"
sys.path[:0] = [str(PEERS), str(ROOT)]

from same_answer import PATH, SID, TOKEN  # noqa: E402

from tests.providers import sends  # noqa: E402

BASIC = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
BODY = (
    "To=%2B14155552671&From=%2B15005550006&Body=Your+Example+code+is+493817.+It+expires+in+10+minutes."
    "&StatusCallback=http%3A%2F%2F127.0.0.1%3A9%2Fdlr"
)
# Peers are installed with their bytecode; ours must be allowed to keep its own. The example's `python` is this one.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PATH"] = f"{BIN}{os.pathsep}{ENVIRONMENT.get('PATH', '')}"
START_SECONDS = 60.0


class Row(NamedTuple):
    """One ratio and its bar; `value` None with the reason why it could not be measured."""

    name: str
    bar: float
    at_least: bool
    value: float | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        holds = self.value >= self.bar if self.at_least else self.value <= self.bar
        return "ok" if holds else "MISSED"

    def __str__(self) -> str:
        bar = f"{'>=' if self.at_least else '<='} {self.bar:g}x"
        value = self.reason if self.value is None else f"{self.value:.2f}x"
        return f"{self.verdict:<12}  {self.name:<40}  {bar:<9}  {value}"


class Unmeasurable(Exception):
    """A peer or a tool is missing, or did not do its part."""


def say(text: str) -> None:
    print(text, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else command


def start(command: list[str], core: int = 0) -> subprocess.Popen[bytes]:
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, [str(PEERS), ENVIRONMENT.get("PYTHONPATH", "")]))}
    return subprocess.Popen(pinned(core, command), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def post(port: int) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{PATH}", BODY.encode(),
        {"Authorization": f"Basic {BASIC}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(name: str, port: int, process: subprocess.Popen[bytes]) -> float:
    """Seconds until the first answer."""
    started = time.perf_counter()
    while time.perf_counter() - started < START_SECONDS:
        if process.poll() is not None:
            raise Unmeasurable(f"{name} ended at once with code {process.returncode}")
        try:
            post(port)
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
        else:
            return time.perf_counter() - started
    raise Unmeasurable(f"{name} gave no answer within {START_SECONDS:.0f} s")


def fake(port: int) -> list[str]:
    config = {
        "providers": ["twilio"], "clock": "manual",
        "listen": {"control": "127.0.0.1:0", "providers": {"twilio": f"127.0.0.1:{port}"}},
    }
    path = Path(tempfile.gettempdir()) / f"otpgate-bench-{port}.json"
    path.write_text(json.dumps(config))
    return [sys.executable, "-m", "otpgate_fakes", "--config", str(path)]


def uvicorn(app: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", app, "--app-dir", str(PEERS), "--port", str(port), "--no-access-log",
            "--log-level", "error"]


USUAL = sends.SampleSend(
    provider="twilio", method="POST", path=PATH, body=BODY,
    headers={"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {BASIC}"},
)


def wrk(name: str, port: int, seconds: int = 2, sent: sends.SampleSend = USUAL) -> float:
    """Requests per second at 16 connections."""
    script = Path(tempfile.gettempdir()) / "otpgate-bench.lua"
    headers = [f"wrk.headers[{json.dumps(field)}]={json.dumps(value)}" for field, value in sent.headers.items()]
    script.write_text("\n".join((
        f"wrk.method={json.dumps(sent.method)}", f"wrk.path={json.dumps(sent.path)}", f"wrk.body={json.dumps(sent.body)}", *headers, "",
    )))
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
    out = subprocess.run(pinned(1, command), capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise Unmeasurable(f"{name} refused requests under load")
    return float(next(line.split(":")[1] for line in out.splitlines() if line.startswith("Requests/sec")))
