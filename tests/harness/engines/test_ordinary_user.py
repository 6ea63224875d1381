"""The fence stands for an ordinary user too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from otpgate.engines import namespaces

HERE = Path(__file__).parent
NOBODY = 65534
PR_SET_DUMPABLE = 4


@pytest.mark.fence
def test_an_ordinary_user_gets_the_same_fence() -> None:
    """Without any privilege: low ports, names, bare addresses and trust are the lane's, and nothing leaves."""
    done = run_as_ordinary_user(str(HERE / "services" / "prober.py"))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    if "refused" in said:
        pytest.skip(f"the kernel refuses a fence to an ordinary user: {said['refused']}")
    assert said == {
        "user outside": said["user"], "user": said["user"], "name": "127.0.0.1", "outside": False, "bare": True,
        "trusted": os.path.isfile("/etc/ssl/certs/ca-certificates.crt"), "seen outside": False,
    }
    assert said["user"] != 0


@pytest.mark.fence
def test_an_ordinary_users_message_is_caught() -> None:
    """`otpgate run` with the unmodified SDK, from end to end without privileges."""
    send = (
        "import os; from twilio.rest import Client; print(os.getuid() != 0, Client('AC' + '5' * 32, 'f' * 32)"
        ".messages.create(to='+12025550143', from_='+12025550187', body='Your code is 482913').status)"
    )
    done = run_as_ordinary_user("-m", "otpgate", "run", "--", sys.executable, "-c", send)
    assert done.stdout == "True queued\n", done.stderr
    assert "1 message captured" in done.stderr


def run_as_ordinary_user(*words: str) -> subprocess.CompletedProcess[str]:
    """The outcome of this interpreter with these arguments, run as somebody who is not root."""
    command = [sys.executable, *words]
    if os.geteuid() != 0:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    with tempfile.TemporaryDirectory() as aside:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd="/",
            preexec_fn=lambda: _become_nobody(Path(aside)), env={**os.environ, "HOME": "/tmp"},
        )


def _become_nobody(aside: Path) -> None:
    needed = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), Path(__file__).resolve().parents[3]}
    namespaces.unshare(namespaces.CLONE_NEWNS)
    namespaces.mount("none", "/", "", namespaces.MS_REC | namespaces.MS_PRIVATE)
    for number, path in enumerate(sorted(needed)):
        closed = next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)
        if closed is None:
            continue
        kept = aside / str(number)
        kept.mkdir()
        namespaces.mount(str(path), str(kept), "", namespaces.MS_BIND | namespaces.MS_REC)
        namespaces.mount("tmpfs", str(closed), "tmpfs", 0, "mode=755")
        path.mkdir(parents=True, exist_ok=True)
        namespaces.mount(str(kept), str(path), "", namespaces.MS_BIND | namespaces.MS_REC)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    namespaces.prctl(PR_SET_DUMPABLE, 1)
