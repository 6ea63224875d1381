"""Listeners in one process: plain ports, TLS by name, relay, resolver, door, wire faults, kept-alive connections."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.fakes.conftest import FROM, LISTEN, US, Fakes, account, basic, config, emptied
from tests.providers.conftest import Listener


@pytest.fixture(params=["serving", "serving_slowly"])
def fakes(request: pytest.FixtureRequest) -> Fakes:
    """Each front end in turn: both must do the same."""
    return emptied(request.getfixturevalue(request.param))


BODY = json.dumps({"to": US, "from": FROM, "text": "Your code is 493817"})
HEADERS = {"Authorization": basic(), "Content-Type": "application/json", "Host": "api.toy.example"}


def dial(address: str) -> socket.socket:
    host, _, port = address.rpartition("//")[2].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def handshake(fakes: Fakes, name: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=fakes.ready["ca"])
    return context.wrap_socket(dial(fakes.ready["https"]), server_hostname=name)


def over(raw: socket.socket) -> http.client.HTTPConnection:
    """HTTP on a socket that is already connected."""
    connection = http.client.HTTPConnection("unused")
    connection.sock = raw
    return connection


def ask(connection: http.client.HTTPConnection) -> int:
    connection.request("POST", "/send", BODY, HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("name", ["api.toy.example", "api.eu.toy.example"])
def test_tls_is_spoken_for_every_host_a_provider_owns(name: str, fakes: Fakes) -> None:
    """The certificate names the host asked for; regional hosts too."""
    connection = over(handshake(fakes, name))
    connection.request("POST", "/send", BODY, {**HEADERS, "Host": name})
    assert connection.getresponse().status == 201


def test_an_unknown_name_gets_a_certificate_and_a_refusal(fakes: Fakes) -> None:
    """TLS stands, so that the request can be seen; it is refused and recorded."""
    connection = over(handshake(fakes, "api.elsewhere.example"))
    connection.request("GET", "/x", headers={"Host": "api.elsewhere.example"})
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]) == (502, "no fake plays api.elsewhere.example")
    assert fakes.admin("GET", "exchanges?kind=unknown_host")["exchanges"][0]["host"] == "api.elsewhere.example"


def test_a_client_that_names_no_host_is_served(fakes: Fakes) -> None:
    """Without SNI the Host header decides."""
    context = ssl.create_default_context(cafile=fakes.ready["ca"])
    context.check_hostname = False
    connection = over(context.wrap_socket(dial(fakes.ready["https"])))
    connection.request("POST", "/send", BODY, HEADERS)
    assert connection.getresponse().status == 201


def test_a_providers_plain_port_speaks_tls_as_well(fakes: Fakes) -> None:
    """Clients that always say https may be pointed at it."""
    context = ssl.create_default_context(cafile=fakes.ready["ca"])
    raw = context.wrap_socket(dial(fakes.ready["providers"]["toy"]), server_hostname="localhost")
    connection = over(raw)
    connection.request("POST", "/send", BODY, {**HEADERS, "Host": "localhost"})
    assert connection.getresponse().status == 201


def test_the_relay_leads_https_to_the_fakes(fakes: Fakes) -> None:
    """CONNECT to a production host ends in the fake, with a certificate the run's authority signed."""
    answer = fakes.proxied("POST", "https://api.toy.example/send", json={"to": US, "from": FROM, "text": "code 1234"})
    assert answer.status_code == 201


def test_the_relay_leads_plain_http_to_the_fakes(fakes: Fakes) -> None:
    """Absolute-form requests are answered by host."""
    answer = fakes.proxied("POST", "http://api.toy.example/send", json={"to": US, "from": FROM, "text": "code 1234"})
    assert answer.status_code == 201


def test_the_relay_refuses_hosts_nobody_plays(fakes: Fakes) -> None:
    """CONNECT gets 403, absolute form 502, both with a reason; both are recorded and nothing leaves."""
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        fakes.proxied("GET", "https://api.elsewhere.example/")
    answer = fakes.proxied("GET", "http://api.elsewhere.example/")
    assert (answer.status_code, "no fake plays" in answer.json()["error"]) == (502, True)
    assert [one["kind"] for one in fakes.admin("GET", "exchanges")["exchanges"]] == ["unknown_host"] * 2


def test_the_relay_passes_allowed_hosts_through(make_fakes: Callable[..., Fakes], listener: Listener) -> None:
    """A host under `allow` is really reached, also by CONNECT; loopback needs no permission."""
    fakes = make_fakes(config(listen=LISTEN, allow=["sentry.example"]))
    assert fakes.proxied("GET", f"{listener.url}/plain").status_code == 200
    raw = dial(fakes.ready["proxy"])
    host = listener.url.rpartition("//")[2]
    raw.sendall(f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
    assert b"200" in raw.recv(100)
    connection = over(raw)
    connection.request("GET", "/tunnel", headers={"Host": host})
    assert connection.getresponse().status == 200
    assert [call.path for call in listener.calls] == ["/plain", "/tunnel"]


def query(fakes_dns: tuple[str, int], name: str, kind: int = 1) -> bytes:
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    packet = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack("!HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        raw.settimeout(5)
        raw.sendto(packet, fakes_dns)
        return raw.recv(512)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        raw.bind(("127.0.0.1", 0))
        return int(raw.getsockname()[1])


def test_the_resolver_leads_every_name_to_the_fakes(make_fakes: Callable[..., Fakes]) -> None:
    """A questions get the one address, AAAA none; names no provider owns are recorded."""
    port = free_port()
    fakes = make_fakes(config(listen=LISTEN | {"dns": f"127.0.0.1:{port}", "dns_answer": "127.0.0.53"}))
    assert query(("127.0.0.1", port), "api.toy.example")[-4:] == socket.inet_aton("127.0.0.53")
    assert query(("127.0.0.1", port), "tracker.example", 28)[6:8] == b"\0\0"
    assert [one["host"] for one in fakes.admin("GET", "exchanges?kind=dns")["exchanges"]] == ["tracker.example"]


def test_the_door_leads_to_the_service(make_fakes: Callable[..., Fakes], listener: Listener, tmp_path: Any) -> None:
    """Bytes into the Unix socket come out at the service's port."""
    door = f"{tmp_path}/door"
    make_fakes(config(listen=LISTEN | {"door": door, "door_target": listener.url.rpartition("//")[2]}))
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(door)
    connection = over(raw)
    connection.request("POST", "/otp", b"x" * 300_000, {"Host": "service"})
    assert connection.getresponse().status == 200
    assert len(listener.calls[0].body) == 300_000


def test_a_reset_is_a_reset(fakes: Fakes) -> None:
    """The client meets a torn connection, on plain and on TLS."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "reset"}]})
    with pytest.raises(requests.exceptions.ConnectionError):
        fakes.send()
    with pytest.raises(requests.exceptions.ConnectionError):
        fakes.proxied("POST", "https://api.toy.example/send", data=BODY)


def test_a_truncated_answer_ends_in_the_middle(fakes: Fakes) -> None:
    """The announced length is not reached; the message was taken."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "truncate"}]})
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        fakes.send()
    assert len(fakes.admin("GET", "messages")["messages"]) == 1


def test_a_malformed_answer_is_no_json(fakes: Fakes) -> None:
    """A success whose body makes no sense."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "malformed"}]})
    answer = fakes.send()
    with pytest.raises(ValueError):
        answer.json()
    assert answer.status_code == 201


def test_latency_is_felt(fakes: Fakes) -> None:
    """A client less patient than the provider gives up."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "latency", "seconds": 5, "count": 1}]})
    with pytest.raises(requests.exceptions.ReadTimeout):
        fakes.session.post(f"{fakes.ready['providers']['toy']}/send", data=BODY, headers=HEADERS, timeout=0.2)
    assert fakes.send().status_code == 201


@pytest.mark.parametrize("port", ["plain", "https", "relay", "relayed plain"])
def test_a_refused_connection_holds_for_the_host(port: str, fakes: Fakes) -> None:
    """New connections fail, kept-alive ones are closed, the refusal is recorded, and its end is the end."""

    def call() -> requests.Response:
        if port == "plain":
            return fakes.send()
        if port == "relayed plain":
            return fakes.proxied("POST", "http://api.toy.example/send", json=json.loads(BODY))
        if port == "relay":
            return fakes.proxied("POST", "https://api.toy.example/send", json=json.loads(BODY))
        connection = over(handshake(fakes, "api.toy.example"))
        connection.request("POST", "/send", BODY, HEADERS)
        answer = requests.Response()
        answer.status_code = connection.getresponse().status
        return answer

    assert call().status_code == 201
    fakes.admin("PUT", "faults", {"faults": [{"fault": "refuse_connection", "provider": "toy"}]})
    with pytest.raises((OSError, requests.exceptions.ConnectionError)):
        call()
    told = fakes.admin("GET", "exchanges?kind=connect")["exchanges"]
    assert (told[0]["fault"], told[0]["provider"]) == ("refuse_connection", "toy")
    fakes.admin("DELETE", "faults")
    assert call().status_code == 201


def test_a_refused_connection_closes_those_kept_alive(fakes: Fakes) -> None:
    """A connection that stood before the fault does not survive it."""
    connection = over(handshake(fakes, "api.toy.example"))
    connection.request("POST", "/send", BODY, HEADERS)
    connection.getresponse().read()
    fakes.admin("PUT", "faults", {"faults": [{"fault": "refuse_connection", "host": "api.toy.example"}]})
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(connection)


def test_a_refusal_leaves_other_hosts_alone(fakes: Fakes) -> None:
    """Scoped to one host name, another of the same provider works."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "refuse_connection", "host": "api.us.toy.example"}]})
    with contextlib.closing(handshake(fakes, "api.toy.example")) as raw:
        assert raw.version() is not None


def test_an_expired_certificate_is_shown_where_asked(fakes: Fakes) -> None:
    """A client that checks certificates refuses; without the fault it does not."""
    fakes.admin("PUT", "faults", {"faults": [{"fault": "tls_expired", "provider": "toy"}]})
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(fakes, "api.toy.example")
    assert fakes.admin("GET", "exchanges?kind=connect")["exchanges"][0]["fault"] == "tls_expired"
    fakes.admin("DELETE", "faults")
    handshake(fakes, "api.toy.example").close()


def test_many_connections_are_kept_alive_side_by_side(fakes: Fakes) -> None:
    """Sixteen clients with a connection each send at once; every message is stored once."""

    def client(index: int) -> list[int]:
        connection = http.client.HTTPConnection(fakes.ready["providers"]["toy"].rpartition("//")[2], timeout=20)
        statuses = []
        for turn in range(10):
            body = json.dumps({"to": US, "from": FROM, "text": f"code {index:02d}{turn:02d}"})
            connection.request("POST", "/send", body, {**HEADERS, "Host": "x"})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        return statuses

    with ThreadPoolExecutor(16) as pool:
        assert {status for found in pool.map(client, range(16)) for status in found} == {201}
    assert len({one["code"] for one in fakes.admin("GET", "messages")["messages"]}) == 160


def test_pipelined_requests_are_answered_in_order(fakes: Fakes) -> None:
    """Two requests in one packet get two answers."""
    with dial(fakes.ready["providers"]["toy"]) as raw:
        raw.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen = b""
        while data := raw.recv(65536):
            seen += data
    assert seen.count(b"HTTP/1.1 ") == 2
    assert seen.index(b" 200 ") < seen.index(b" 404 ")


@pytest.mark.parametrize("size", [0, 1, 15_000, 300_000])
def test_chunked_bodies_and_expect_are_read(size: int, fakes: Fakes) -> None:
    """A body in chunks after `Expect: 100-continue` is read whole."""
    text = "x" * size
    body = json.dumps({"to": US, "from": FROM, "text": text}).encode()
    with dial(fakes.ready["providers"]["toy"]) as raw:
        raw.sendall(b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + f"Authorization: {basic()}\r\n".encode() + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        sender = threading.Thread(target=raw.sendall, args=(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),))
        sender.start()
        status = raw.recv(12)
        sender.join()
    assert status == {0: b"HTTP/1.1 400", 1: b"HTTP/1.1 201", 15_000: b"HTTP/1.1 400", 300_000: b"HTTP/1.1 413"}[size]


@pytest.mark.parametrize("junk", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"CONNECT \r\n\r\n"])
@pytest.mark.parametrize("port", ["https", "proxy", "provider"])
def test_junk_is_hung_up_on(junk: bytes, port: str, fakes: Fakes) -> None:
    """Bytes that are no protocol end the connection and hurt nobody else."""
    address = fakes.ready["providers"]["toy"] if port == "provider" else fakes.ready[port]
    with dial(address) as raw, contextlib.suppress(OSError):
        raw.sendall(junk)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65536):
            pass
    assert fakes.call("GET", "/status").status_code == 200


def test_head_has_no_body(fakes: Fakes) -> None:
    """HEAD on the control port is GET without the body."""
    answer = fakes.session.head(f"{fakes.control}/_otpgate/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_state_given_at_the_start_is_enforced(make_fakes: Callable[..., Fakes]) -> None:
    """The start document's account decides from the first call on."""
    fakes = make_fakes(config(account(opted_out=[US]), listen=LISTEN))
    assert fakes.send().json()["code"] == "opted_out"
