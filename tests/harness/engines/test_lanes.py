"""Whole lanes: fakes and a service, wired so that neither knows of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import pytest

from otpgate.config.model import Need
from otpgate.engines import clock, create, unfenced
from otpgate.engines.model import EngineOptions, Lane, LanePlan
from otpgate.engines.names import provider_hosts
from otpgate.engines.process import ProcessEngine
from otpgate.errors import EnvironmentUnusable
from otpgate_contracts.admin import Edge, FakeGateway, FakesConfig
from otpgate_contracts.loading import packs

SERVICES = Path(__file__).parent / "services"
ACCOUNT = "AC" + "5" * 32
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TO = "+12025550143"
Plan = Callable[..., LanePlan]


def fakes(**parts: object) -> FakesConfig:
    gateway = FakeGateway(name="primary", provider="twilio", secrets={"auth_token": TOKEN},
                          settings={"account_sid": ACCOUNT, "auth_token": TOKEN})
    return FakesConfig(gateways=[gateway], seed=1, **parts)  # type: ignore[arg-type]


def sending(environment: dict[str, str] | None = None) -> dict[str, str]:
    return {"HOST": "api.twilio.com", "SID": ACCOUNT, "TOKEN": TOKEN, **(environment or {})}


def send(lane: Lane) -> None:
    """A message with a callback, sent by a program in the lane as its service would."""
    script = (
        "import base64, sys, urllib.parse, urllib.request as u\n"
        f"data = urllib.parse.urlencode({{'To': '{TO}', 'From': '+12025550187', 'Body': 'code 111222', "
        "'StatusCallback': 'https://otp.example.com/receipts'}).encode()\n"
        f"r = u.Request(sys.argv[1] + '/2010-04-01/Accounts/{ACCOUNT}/Messages.json', data)\n"
        f"r.add_header('Authorization', 'Basic ' + base64.b64encode(b'{ACCOUNT}:{TOKEN}').decode())\n"
        "print(u.urlopen(r).status)\n"
    )
    environment = {"PATH": os.environ["PATH"]}
    if not lane.fenced:
        environment |= unfenced.variables(lane.ready) | {"SSL_CERT_FILE": lane.ready.ca}  # type: ignore[attr-defined]
    with open(os.devnull, "rb") as nothing:
        pid = lane.process.spawn(  # type: ignore[attr-defined]
            "client", [sys.executable, "-c", script, "https://api.twilio.com"], environment, "/", (nothing.fileno(), 2, 2)
        )
    assert lane.process.wait(pid, 20) == 0  # type: ignore[attr-defined]


def first_receipt(lane: Lane) -> dict[str, object]:
    """The first callback that was made, awaited."""
    deadline = time.monotonic() + 10
    receipts: list[dict[str, object]] = []
    while not receipts and time.monotonic() < deadline:
        receipts = lane.admin("GET", "/_otpgate/receipts")["receipts"]
    return receipts[0]


@pytest.fixture
def deaf(tmp_path: Path) -> Path:
    """The service that ignores proxies and CA variables, with its own copy of certifi."""
    shutil.copy(SERVICES / "deaf.py", tmp_path)
    (tmp_path / "trust").mkdir()
    shutil.copy(certifi.where(), tmp_path / "trust" / "cacert.pem")
    return tmp_path


@pytest.fixture
def deaf_plan(plan: Plan, deaf: Path) -> LanePlan:
    return plan(
        command=(sys.executable, "deaf.py"), directory=str(deaf), environment=sending(), fakes=fakes(),
        hosts=provider_hosts(packs().values()),
    )


@pytest.mark.fence
def test_a_service_that_ignores_every_variable_reaches_the_fake(engine: ProcessEngine, deaf_plan: LanePlan) -> None:
    """Production host name, raw sockets, private trust: the call lands in the fake all the same."""
    lane = engine.start(deaf_plan)
    answer = json.loads(lane.call("GET", f"/{TO}").body)
    assert answer == {"status": 201, "peer": "127.0.0.1"}
    messages = lane.admin("GET", "/_otpgate/messages")["messages"]
    assert [(message["to"], message["code"], message["gateway"]) for message in messages] == [(TO, "482913", "primary")]


@pytest.mark.fence
def test_a_host_no_provider_owns_is_recorded(engine: ProcessEngine, plan: Plan) -> None:
    """A call elsewhere is refused and told, and so is the question for its address."""
    lane = engine.start(plan(fakes=fakes()))
    lane.call("GET", "/fetch?https://elsewhere.example.net/x")
    kinds = {call["kind"] for call in lane.admin("GET", "/_otpgate/exchanges")["exchanges"]
             if call["host"] == "elsewhere.example.net"}
    assert kinds == {"dns", "unknown_host"}


@pytest.mark.fence
def test_a_call_to_a_bare_address_is_recorded(engine: ProcessEngine, plan: Plan) -> None:
    """https to an address literal, which no name service sees, ends at the fakes and is told as a stranger's."""
    lane = engine.start(plan(fakes=fakes()))
    said = json.loads(lane.call("GET", "/fetch?https://203.0.113.7/x").body)
    assert "502" in said["error"]
    recorded = [(call["kind"], call["host"]) for call in lane.admin("GET", "/_otpgate/exchanges")["exchanges"]]
    assert recorded == [("unknown_host", "203.0.113.7")]


@pytest.mark.fence
def test_a_callback_reaches_the_service_through_the_edge(engine: ProcessEngine, plan: Plan) -> None:
    """An edge whose upstream is written with {port} leads to this lane's service."""
    edge = Edge(public="https://otp.example.com", upstream="http://127.0.0.1:{port}")
    lane = engine.start(plan(fakes=fakes(edges=[edge], clock="immediate"), hosts=("api.twilio.com",)))
    send(lane)
    assert first_receipt(lane)["url"] == "https://otp.example.com/receipts"
    assert "asked for /receipts" in lane.logs()


@pytest.mark.fence
def test_lanes_start_side_by_side_and_share_nothing(own_engine: ProcessEngine, plan: Plan) -> None:
    """Six lanes at once: each with its own service, its own fakes and its own {workdir}."""
    plans = [plan(name=f"lane{number}", fakes=fakes(), environment={"WORK": "{workdir}"}) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        lanes = list(pool.map(own_engine.start, plans))
    folders = {json.loads(lane.call("GET", "/environment").body)["WORK"] for lane in lanes}
    assert len(folders) == 6
    assert all(Path(folder).is_dir() and not list(Path(folder).iterdir()) for folder in folders)
    assert all(lane.fenced and lane.alive() for lane in lanes)
    own_engine.close()
    assert not any(Path(folder).exists() for folder in folders)


@pytest.mark.fence
def test_a_lanes_environment_is_the_deployed_one_and_the_engines(engine: ProcessEngine, plan: Plan) -> None:
    """Deployed proxies have no place inside the fence, the engine's trust wins, and the report is told both."""
    deployed = {"HTTPS_PROXY": "http://proxy.internal:3128", "REQUESTS_CA_BUNDLE": "/etc/own.pem", "KEY": "{value}"}
    lane = engine.start(plan(fakes=fakes(), environment=deployed))
    seen = json.loads(lane.call("GET", "/environment").body)
    assert "HTTPS_PROXY" not in seen
    assert seen["KEY"] == "{value}"
    assert Path(seen["REQUESTS_CA_BUNDLE"]).name == "bundle.pem"
    assert any("HTTPS_PROXY" in note for note in lane.notes)
    assert any("REQUESTS_CA_BUNDLE" in note for note in lane.notes)


@pytest.mark.fence
def test_trust_variables_of_sdks_come_from_their_packs(engine: ProcessEngine, plan: Plan) -> None:
    """What a provider's own SDK reads for its bundle is set too."""
    named = {name for pack in packs().values() for sdk in pack.provider.sdks for name in sdk.honours_ca}
    seen = json.loads(engine.start(plan(fakes=fakes())).call("GET", "/environment").body)
    assert {name for name in named if name.isupper()} <= set(seen)


@pytest.mark.fence
def test_what_a_service_buffered_is_in_its_log_once_it_has_ended(engine: ProcessEngine, plan: Plan) -> None:
    """A program that prints without flushing is asked to end, not killed, and its log outlives it."""
    script = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('late words'); import web"
    main = "web.ThreadingHTTPServer(('127.0.0.1', int(web.os.environ['PORT'])), web.Handler).serve_forever()"
    lane = engine.start(plan(fakes=fakes(), command=(sys.executable, "-c", f"{script}; {main}")))
    assert "late words" not in lane.logs()
    lane.stop()
    assert "late words" in lane.logs()


@pytest.mark.fence
def test_a_shifted_clock_moves_service_and_fakes(engine: ProcessEngine, plan: Plan) -> None:
    """Wall time jumps in both, monotonic time does not, and another lane keeps its own."""
    if clock.library() is None:
        pytest.skip("libfaketime is not installed")
    moved, other = (engine.start(plan(fakes=fakes(), time_shift=shift)) for shift in (True, False))
    before = json.loads(moved.call("GET", "/clock").body)
    assert abs(before["time"] - time.time()) < 5
    assert moved.shift_clock(3600)
    assert not other.shift_clock(3600)
    after = json.loads(moved.call("GET", "/clock").body)
    assert 3600 <= after["time"] - before["time"] < 3630
    assert after["monotonic"] - before["monotonic"] < 30
    assert moved.admin("GET", "/_otpgate/clock")["shift"] == 3600
    assert abs(json.loads(other.call("GET", "/clock").body)["time"] - time.time()) < 5


def test_without_the_library_the_clock_cannot_be_moved(
    engine: ProcessEngine, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane says so instead of pretending."""
    monkeypatch.setattr(clock, "PLACES", ())
    assert not engine.start(plan(fakes=fakes(), time_shift=True)).shift_clock(60)


def test_unfenced_a_service_that_honours_proxies_sends_with_twins(plan: Plan) -> None:
    """No fence: the relay catches the call, the deployed token never leaves the harness, and the notes say so."""
    engine = ProcessEngine(EngineOptions(unfenced=True, run_id="seed"))
    try:
        lane = engine.start(plan(fakes=fakes(), environment={"TOKEN": TOKEN, "SID": ACCOUNT}))
        seen = json.loads(lane.call("GET", "/environment").body)
        given = Path(f"/proc/{lane._service_pid}/environ").read_text()  # type: ignore[attr-defined]
        assert TOKEN not in given
        assert seen["TOKEN"] == TOKEN, "what is judged reads as if the service had the secret"
        assert seen["SID"] == ACCOUNT
        assert seen["HTTPS_PROXY"] == seen["https_proxy"] == seen["HTTP_PROXY"]
        assert seen["OTPGATE_CONTROL"].startswith("http://127.0.0.1:")
        assert not lane.fenced
        assert any("twins" in note and "TOKEN" in note for note in lane.notes)
    finally:
        engine.close()


def test_a_service_given_as_url_is_reached_and_not_started(plan: Plan) -> None:
    """`url`: fakes on loopback, calls and callbacks to the address given, and a note."""
    engine = ProcessEngine(EngineOptions(unfenced=True))
    try:
        running = engine.start(plan(fakes=fakes()))
        url = f"http://127.0.0.1:{running.port}"  # type: ignore[attr-defined]
        edge = Edge(public="https://otp.example.com", upstream="http://127.0.0.1:{port}")
        lane = engine.start(plan(command=None, url=url, fakes=fakes(edges=[edge], clock="immediate")))
        assert lane.call("GET", "/hello").status == 200
        assert any("already running" in note for note in lane.notes)
        send(lane)
        assert first_receipt(lane)["url"] == "https://otp.example.com/receipts"
        assert "asked for /receipts" in running.logs()
    finally:
        engine.close()


@pytest.mark.fence
def test_what_the_service_needs_is_there_before_it(engine: ProcessEngine, plan: Plan) -> None:
    """A need is started first, under its alias, inside the same fence."""
    script = "import socket; s = socket.create_server(('', 6000)); a = 1\nwhile a: c, _ = s.accept(); c.close()"
    need = Need(alias="cache", command=(sys.executable, "-c", script), port=6000)
    check = (
        "import os, socket, sys; socket.create_connection(('cache', 6000), 3); "
        "os.execv(sys.executable, [sys.executable, 'web.py'])"
    )
    lane = engine.start(plan(fakes=fakes(), needs=(need,), command=(sys.executable, "-c", check)))
    assert lane.alive()


def test_an_engine_that_is_not_there_is_told() -> None:
    """One sentence, exit code 4."""
    with pytest.raises(EnvironmentUnusable, match="the engine `podman` is not part of this version"):
        create(EngineOptions(kind="podman"))


def test_an_image_alone_cannot_be_started(plan: Plan) -> None:
    """The process engine starts commands and says what to do."""
    engine = ProcessEngine(EngineOptions())
    with pytest.raises(EnvironmentUnusable, match="only be started from an image"):
        engine.start(plan(command=None, image="otp:1"))
    engine.close()


def test_a_closed_engine_starts_nothing(plan: Plan) -> None:
    """A lane asked for while the run is being ended is refused, and nothing is started again behind its back."""
    engine = ProcessEngine(EngineOptions())
    folder = engine.nursery.folder
    engine.close()
    engine.close()
    with pytest.raises(EnvironmentUnusable, match="closed"):
        engine.start(plan(fakes=fakes()))
    assert not Path(folder).exists()
