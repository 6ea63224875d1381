"""Deviations a fake could have, planted between it and whoever looks at it. Each is a function of one answer or receipt.

They know no provider: they look for a date, an id, a list in whatever is there, and say None where there is none.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from msgspec import Struct
from msgspec.structs import replace

from otpgate.contracts.playing import Arrived

DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}")
ID = re.compile(r"[A-Z]{2}[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{20,}")


class Answer(Struct, frozen=True):
    """What a fake answered."""

    status: int
    kind: str
    body: bytes

    @property
    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


Plant = Callable[[Answer], Answer | None]
ANSWERS: dict[str, Plant] = {}
RECEIPTS: dict[str, Callable[[Arrived], Arrived | None]] = {}


def answer(function: Plant) -> Plant:
    ANSWERS[function.__name__.replace("_", " ")] = function
    return function


def receipt(function: Callable[[Arrived], Arrived | None]) -> Callable[[Arrived], Arrived | None]:
    RECEIPTS[function.__name__.replace("_", " ")] = function
    return function


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every single value with its path."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*path, key))
    else:
        yield path, value


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def changed(given: Answer, wanted: Callable[[Any], bool], new: Callable[[Any], Any]) -> Answer | None:
    """The answer with the first value that fits replaced."""
    value = given.value
    found = next((path for path, one in leaves(value) if path and wanted(one)), None)
    if found is None:
        return None
    old = next(one for path, one in leaves(value) if path == found)
    return replace(given, body=json.dumps(put(value, found, new(old))).encode())


@answer
def another_success_status(given: Answer) -> Answer | None:
    return replace(given, status=203) if given.status < 300 else None


@answer
def another_refusal_status(given: Answer) -> Answer | None:
    return replace(given, status=418) if given.status >= 400 else None


@answer
def a_field_is_missing(given: Answer) -> Answer | None:
    value = given.value
    inner = next((path for path, _ in leaves(value) if path and isinstance(path[-1], str)), None)
    if inner is None:
        return None
    holder = value
    for key in inner[:-1]:
        holder = holder[key]
    return replace(given, body=json.dumps(put(value, inner[:-1], {k: v for k, v in holder.items() if k != inner[-1]})).encode())


@answer
def the_id_is_missing(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str) and ID.search(one) is not None, lambda _: None)


@answer
def an_integer_where_text_is_due(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str) and one.isdigit(), int)


@answer
def text_where_a_number_is_due(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, int) and not isinstance(one, bool), str)


@answer
def null_where_text_is_due(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str), lambda _: None)


@answer
def a_truth_value_where_text_is_due(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str), lambda _: True)


@answer
def a_date_in_another_format(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str) and DATE.search(one) is not None, lambda _: "23.11.2026 08:15")


@answer
def an_id_of_another_shape(given: Answer) -> Answer | None:
    return changed(given, lambda one: isinstance(one, str) and ID.search(one) is not None, lambda _: "12345")


@answer
def a_list_around_the_object(given: Answer) -> Answer | None:
    return replace(given, body=json.dumps([given.value]).encode()) if isinstance(given.value, dict) else None


@answer
def an_envelope_around_the_object(given: Answer) -> Answer | None:
    return replace(given, body=json.dumps({"data": given.value}).encode()) if given.value is not None else None


@answer
def keys_in_another_case(given: Answer) -> Answer | None:
    value = given.value
    return replace(given, body=json.dumps({k.swapcase(): v for k, v in value.items()}).encode()) if isinstance(value, dict) else None


@answer
def an_empty_list(given: Answer) -> Answer | None:
    value = given.value
    found = next((key for key, one in value.items() if isinstance(one, list) and one), None) if isinstance(value, dict) else None
    return None if found is None else replace(given, body=json.dumps({**value, found: []}).encode())


@answer
def a_page_instead_of_data(given: Answer) -> Answer | None:
    return replace(given, kind="text/html", body=b"<html>it works</html>") if given.body else None


@answer
def another_content_type(given: Answer) -> Answer | None:
    return replace(given, kind="text/plain") if given.kind.startswith("application/json") else None


@answer
def half_a_body(given: Answer) -> Answer | None:
    return replace(given, body=given.body[: len(given.body) // 2]) if given.body else None


@answer
def no_body(given: Answer) -> Answer | None:
    return replace(given, body=b"") if given.body else None


@answer
def success_instead_of_refusal(given: Answer) -> Answer | None:
    return replace(given, status=200, body=b'{"ok": true}') if given.status >= 400 else None


def fields(given: Arrived) -> tuple[dict[str, Any], Callable[[dict[str, Any]], bytes]]:
    """The fields of a receipt, and how they are written."""
    try:
        value = json.loads(given.body)
    except ValueError:
        return dict(parse_qsl(given.body.decode())), lambda value: urlencode(value).encode()
    return value, lambda value: json.dumps(value).encode()


@receipt
def unsigned(given: Arrived) -> Arrived | None:
    """No signature in header or body."""
    headers = {name: value for name, value in given.headers.items() if not re.search("signature|authorization", name, re.I)}
    found, write = fields(given)
    kept = {name: value for name, value in found.items() if name != "sig"}
    return None if headers == given.headers and kept == found else replace(given, headers=headers, body=write(kept))


@receipt
def a_receipt_without_its_id(given: Arrived) -> Arrived | None:
    found, write = fields(given)
    name = next((name for name, value in found.items() if isinstance(value, str) and ID.search(value)), None)
    return None if name is None else replace(given, body=write({key: value for key, value in found.items() if key != name}))


@receipt
def a_receipt_with_an_id_of_another_shape(given: Arrived) -> Arrived | None:
    found, write = fields(given)
    name = next((name for name, value in found.items() if isinstance(value, str) and ID.search(value)), None)
    return None if name is None else replace(given, body=write({**found, name: "12345"}))


@receipt
def a_receipt_with_another_status_word(given: Arrived) -> Arrived | None:
    found, write = fields(given)
    name = next((name for name in found if re.search("status", name, re.I)), None)
    return None if name is None else replace(given, body=write({**found, name: "arrived"}))


@receipt
def a_receipt_without_its_status(given: Arrived) -> Arrived | None:
    found, write = fields(given)
    name = next((name for name in found if re.search("status", name, re.I)), None)
    return None if name is None else replace(given, body=write({key: value for key, value in found.items() if key != name}))


@receipt
def a_receipt_of_another_type(given: Arrived) -> Arrived | None:
    return replace(given, headers={**given.headers, "Content-Type": "text/xml"}) if given.body else None


@receipt
def an_empty_receipt(given: Arrived) -> Arrived | None:
    return replace(given, body=b"")


class Between:
    """Stands between a fake and whoever asks it, and lets every answer go through `plant`."""

    def __init__(self, target: str) -> None:
        self.plant: Plant = lambda given: given
        self.applied = 0
        between = self
        session = requests.Session()
        session.trust_env = False

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                got = session.request(self.command, target + self.path, data=body, headers=headers, timeout=10, allow_redirects=False)
                given = Answer(got.status_code, got.headers.get("content-type", ""), got.content)
                made = between.plant(given)
                between.applied += made is not None and made != given
                made = made or given
                self.send_response(made.status)
                if made.kind:
                    self.send_header("Content-Type", made.kind)
                self.send_header("Content-Length", str(len(made.body)))
                self.end_headers()
                self.wfile.write(made.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the names http.server asks for

            def log_message(self, format: str, *args: object) -> None:
                """Keep test output free of access logs."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
