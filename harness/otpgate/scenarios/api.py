"""Speak the service's own API as one user: the steps of `api.request_code` and `api.verify_code`.

A step's texts hold `{phone}`, `{code}`, `{client_ip}`, `{name}` and whatever earlier steps captured; other braces
stay as they are. Cookies belong to the user. Redirects are not followed: a step says what it expects.
"""

from __future__ import annotations

import json
import re
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from msgspec import Struct, field

from otpgate.config.model import Api, Step
from otpgate.engines.model import Response
from otpgate.scenarios.model import User

Verdict = Literal["accepted", "refused", "broken"]
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
EXCERPT = 300
UNTOLD = frozenset({"date", "content-length", "content-type", "set-cookie", "etag", "last-modified", "expires"})


class Door(Protocol):
    """The way to the service: `Lane.call` has this shape."""

    def __call__(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
        timeout: float = 30.0,
    ) -> Response: ...


class Answer(Struct, frozen=True, kw_only=True):
    """What the service said in the end. `step` counts from 1; `late`: a step took longer than its `within`."""

    verdict: Verdict
    status: int
    body: str
    seconds: float
    step: int
    call: str
    error: str | None = None
    late: bool = False
    missing: str | None = None

    def __str__(self) -> str:
        if self.error:
            return f"{self.call} failed: {self.error}"
        if self.missing:
            return f"{self.call} answered {self.status} without {self.missing}"
        return f"{self.call} answered {self.status}"


class Client(Struct, kw_only=True):
    """One user's session with the service."""

    user: User
    api: Api
    call: Door
    timeout: float = 30.0
    cookies: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)

    def request_code(self) -> Answer:
        """Ask for a code."""
        return self._play(self.api.request_code, {})

    def verify_code(self, code: str) -> Answer:
        """Type a code back."""
        return self._play(self.api.verify_code, {"code": code})

    def _play(self, steps: tuple[Step, ...], extra: dict[str, str]) -> Answer:
        started = time.monotonic()
        late = False
        answer: Answer | None = None
        for index, step in enumerate(steps, 1):
            last = index == len(steps)
            values = {
                "phone": self.user.phone, "client_ip": self.user.client_ip, "name": self.user.name,
                "phone_without_plus": self.user.phone.lstrip("+"), **self.values, **extra,
            }
            method, path, headers, body = compose(step, values)
            if self.cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            response = self.call(method, path, headers=headers, body=body, timeout=self.timeout)
            text = response.body.decode("utf-8", "replace")
            self.bodies.append("\n".join((text, *(value for name, value in response.headers.items() if name not in UNTOLD), *response.set_cookies)))
            self._keep_cookies(response)
            late = late or (step.within is not None and response.seconds > step.within)
            verdict = judge(step, response, last)
            missing = self._capture(step, response, text) if verdict == "accepted" else None
            answer = Answer(
                verdict="broken" if missing else verdict, status=response.status, body=text[:EXCERPT],
                seconds=time.monotonic() - started, step=index, call=f"{step.method} {step.path}",
                error=response.error, late=late, missing=missing,
            )
            if answer.verdict != "accepted":
                return answer
        if answer is None:
            return Answer(verdict="broken", status=0, body="", seconds=0.0, step=0, call="(no step)", error="no step")
        return answer

    def _keep_cookies(self, response: Response) -> None:
        for line in response.set_cookies:
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(line)
            except CookieError:
                continue
            for name, morsel in jar.items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def _capture(self, step: Step, response: Response, text: str) -> str | None:
        """Keep what the step captures; the description of the first thing that was not there, else None."""
        for name, source in step.capture.items():
            value = captured(source, response, text, self.cookies)
            if value is None:
                kind, where = next(iter(source.items()))
                return f"{name} ({kind} {where})"
            self.values[name] = value
        return None


def judge(step: Step, response: Response, last: bool) -> Verdict:
    """How the service answered one step. Without lists: 2xx is accepted (3xx too before the last step), 4xx refused."""
    status = response.status
    if response.error or status == 0:
        return "broken"
    if status in step.accepted:
        return "accepted"
    if status in step.refused:
        return "refused"
    if not step.accepted and (200 <= status < 300 or (300 <= status < 400 and not last)):
        return "accepted"
    if not step.refused and 400 <= status < 500:
        return "refused"
    return "broken"


def compose(step: Step, values: dict[str, str]) -> tuple[str, str, dict[str, str], bytes | None]:
    """Method, path with query, headers and body of a step with its placeholders filled."""
    headers = {name: fill(value, values) for name, value in step.headers.items()}
    path = fill(step.path, values)
    if step.query:
        query = urlencode({fill(name, values): fill(value, values) for name, value in step.query.items()})
        path += ("&" if "?" in path else "?") + query
    body: bytes | None = None
    if step.json is not None:
        body = json.dumps(filled(step.json, values)).encode()
        headers.setdefault("Content-Type", "application/json")
    elif step.form is not None:
        body = urlencode({fill(name, values): fill(value, values) for name, value in step.form.items()}).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return step.method.upper(), path, headers, body


def fill(text: str, values: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def filled(value: Any, values: dict[str, str]) -> Any:
    """A JSON value with the placeholders of all its texts filled."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, dict):
        return {fill(str(key), values): filled(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, values) for item in value]
    return value


def captured(source: dict[str, str], response: Response, text: str, cookies: dict[str, str]) -> str | None:
    """A captured value: from `json` path, `header`, `cookie` or `regex` (its first group, else the match)."""
    if "header" in source:
        wanted = source["header"].lower()
        return next((value for name, value in response.headers.items() if name.lower() == wanted), None)
    if "cookie" in source:
        return cookies.get(source["cookie"])
    if "regex" in source:
        match = re.search(source["regex"], text)
        return None if match is None else (match[1] if match.re.groups else match[0])
    if "json" in source:
        try:
            found = at_path(json.loads(text), source["json"])
        except ValueError:
            return None
        if found is None or isinstance(found, dict | list):
            return None
        return json.dumps(found) if isinstance(found, bool | int | float) else str(found)
    return None


def at_path(value: Any, path: str) -> Any:
    """The value at `a.b[0].c` (a leading `$.` is allowed); None where the path leads nowhere."""
    for part in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
        if isinstance(value, list):
            if not part.lstrip("-").isdigit() or not -len(value) <= int(part) < len(value):
                return None
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value
