"""Every provider beside Twilio: one process for all, and the sends each takes."""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from measuring import ENVIRONMENT, Row, Unmeasurable, end, free_port, pinned, say, wrk

from tests.providers import sends


def providers() -> list[Row]:
    """Every provider in one process, started; and the throughput of each beside Twilio's, those that verify a signature apart."""
    if not shutil.which("wrk"):
        raise Unmeasurable("no wrk: apt-get install wrk")
    seconds, megabytes = [], 0.0
    for _ in range(6):
        began = time.perf_counter()
        process, _ready = told([sys.executable, "-m", "otpgate_fakes", "--port-base", "0"])
        seconds.append(time.perf_counter() - began)
        megabytes = resident(process)
        end(process)
    rates: dict[str, list[float]] = {name: [] for name in sends.providers()}
    for _ in range(3):
        for name in random.sample(list(rates), len(rates)):
            rates[name].append(throughput(sends.read(name)) / throughput(sends.read("twilio")))
    ratios = {name: statistics.median(found) for name, found in rates.items()}
    signed = [name for name in ratios if sends.read(name).signed]
    say(f"  with a signature verified, against twilio: {', '.join(f'{name} {ratios[name]:.2f}x' for name in signed)}")
    return [
        Row(f"{len(rates)} providers in one process ready, seconds", 0.8, False, statistics.median(seconds[1:])),
        Row(f"{len(rates)} providers in one process, MB", 120.0, False, megabytes),
        *(Row(f"{name} against twilio", 0.7, True, ratio) for name, ratio in ratios.items() if name not in (*signed, "twilio")),
    ]


def told(command: list[str]) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Fakes and what they say when they are ready."""
    process = subprocess.Popen(pinned(0, command), stdout=subprocess.PIPE, env=ENVIRONMENT)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Unmeasurable("the fakes did not start")
    return process, json.loads(line)


def resident(process: subprocess.Popen[bytes]) -> float:
    """Memory of a process, in MB."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def throughput(sent: sends.SampleSend) -> float:
    """Sends per second that a fake of its own takes, once warm."""
    port = free_port()
    path = Path(tempfile.gettempdir()) / f"otpgate-bench-{port}.json"
    path.write_text(json.dumps(sent.config(port)))
    process, ready = told([sys.executable, "-m", "otpgate_fakes", "--config", str(path)])
    try:
        body = json.dumps({"shift": sent.shift()}).encode()
        request = urllib.request.Request(f"{ready['control']}/_otpgate/clock", body, {"Content-Type": "application/json"}, method="PUT")
        urllib.request.urlopen(request, timeout=5).close()
        wrk(sent.provider, port, 1, sent)
        return wrk(sent.provider, port, 2, sent)
    finally:
        end(process)
