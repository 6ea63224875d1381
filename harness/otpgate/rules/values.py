"""What deployed text really is: a placeholder, a padded value, a duration, a rate, a switch, a URL."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct

from otpgate.config.model import Entry, Setting

NOTHING = frozenset({"null", "none", "nil", "undefined", "nan", "[object object]", "(null)", "<nil>", "~"})
FILLERS = frozenset({
    "changeme", "change-me", "change_me", "changeit", "replaceme", "replace-me", "replace_me", "todo", "tbd", "fixme",
    "dummy", "placeholder", "example", "secret", "password", "token", "key", "foo", "bar", "foobar", "test", "fake",
    "sample", "none", "empty", "string", "value", "insert-here", "fill-me-in", "redacted", "hidden", "n/a", "na", "-",
})
OFF = frozenset({"", "false", "no", "off", "0", "none", "null", "nil", "disabled", "disable", "real", "live", "never"})
# Paths that exist on the machine of one person or for one boot.
ONE_MACHINE = r"^(?:/tmp/|/var/tmp/|/home/|/Users/|/mnt/[a-z]/|~|[A-Za-z]:[\\/])"
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@lru_cache(maxsize=512)
def placeholder(text: str) -> str | None:
    """Why the text is a stand-in and no value, or None: an unresolved reference, a documentation filler."""
    bare = text.strip().strip("\"'")
    low = bare.lower()
    if not bare:
        return None
    if low in NOTHING:
        return f'is the word "{bare}", a value that was lost on its way'
    if unresolved(bare):
        return f"still holds the unresolved reference {unresolved(bare)}"
    if low in FILLERS:
        return f'is the filler "{bare}"'
    if (bare[0], bare[-1]) in {("<", ">"), ("[", "]")} or (bare.startswith("__") and bare.endswith("__")):
        return f"is the placeholder {bare[:40]}"
    if len(low) >= 4 and re.search(r"x{4,}|\*{4,}|#{4,}|\.{3}$|…", low):
        return "is masked or left blank (a run of x, * or #)"
    if re.fullmatch(r"\*{3,}|x{3,}", low):
        return "is masked"
    told = r"https?://(?:[^/]*[.@])?your[-_.]" if low.startswith("http") else r"(^|[^a-z])(your|my|enter|insert|put|replace|change)[-_ ](?!s$)[a-z]"
    if re.search(told, low):
        return f"reads like an instruction ({bare[:30]})"
    return None


def hash_lost(entry: Entry) -> str | None:
    """What follows a `#` right after white space, where it reads like the rest of a secret and not like a comment."""
    found = re.fullmatch(r"[^\s\"'#]+\s+(#[^\s#]{4,})", entry.raw.strip())
    random = found is not None and re.search(r"\d", found[1]) and re.search(r"[A-Za-z]", found[1])
    return "what follows its `#`" if random and "#" not in entry.value else None


def sample_number(text: str) -> bool:
    """A number of examples: the area code 555, one digit repeated, or counting digits."""
    digits = re.sub(r"[\s().-]", "", text).lstrip("+")
    if not digits.isdigit() or not 9 <= len(digits) <= 15:
        return False
    return bool(
        re.fullmatch(r"1?555\d{7}", digits) or re.search(r"(\d)\1{7}", digits) or re.search(r"123456789|234567890|987654321", digits)
    )


def sample_secret(text: str) -> bool:
    """An id or secret of examples: one character repeated, or counting ones."""
    body = re.sub(r"^[A-Z]{2}", "", text).lower()
    return len(text) >= 16 and bool(
        len(set(body)) == 1 or re.search(r"0123456789abcdef|abcdefghijklmnop|example|sample|dummy", body) or re.search(r"1234567890123", body)
    )


REFERENCE_MARKS = ("$", "%", "(", "[", "{{", "!", "ENV", "env.", "os.environ", "arn:", "projects/", "sm:", "vault:", "manager:", "op:", "akv:", "ref+")
"""One of them is in whatever `unresolved` finds; looking for them costs less than compiling its expression."""


def unresolved(text: str) -> str | None:
    """A reference of some templating language that nobody resolved, else None."""
    if not any(mark in text for mark in REFERENCE_MARKS):
        return None
    found = re.search(
        r"\$\{\{[^}]*\}\}|\$\{[^}]*\}|%\([A-Za-z_]\w*\)s|\bENV(?:\[['\"]|\.fetch)|\bgetenv\(|\bSystem\.getenv|\$\([A-Za-z_][^)]*\)|\benv\([^)]*\)|\{\{[^}]*\}\}|<%[^%]*%>|%[A-Z][A-Z0-9_]+%|"
        r"\bprocess\.env\.\w+|\bos\.environ\b|\b(?:ssm|vault|secretsmanager|op|sm|akv|gcpsm|awssm)://\S+|"
        r"^arn:aws[\w-]*:(?:secretsmanager|ssm):\S+|^projects/[^/]+/secrets/\S+|@Microsoft\.KeyVault\(.*|"
        r"^\$[A-Z_][A-Z0-9_]{2,}$|^!(?:secret|env|Ref|Sub)\b.*|^ENC\[.*|^vault:.*|^ref\+\w+.*",
        text,
    )
    return found.group(0)[:40] if found else None


@lru_cache(maxsize=512)
def padding(text: str) -> str | None:
    """What clings to the text (white space, quotes, a comment, a mark), in words; None when it is bare."""
    if not text:
        return None
    if text[0] in "\ufeff\u200b\u200c\u200d\u2060" or text[-1] in "\ufeff\u200b\u200c\u200d\u2060":
        return "an invisible character (byte order mark or zero-width space)"
    if text.endswith(("\r", "\r\n")):
        return "a carriage return at the end (the file has Windows line ends)"
    if text.endswith("\n"):
        return "a line break at the end"
    if text.endswith(("\\n", "\\r")):
        return r"a literal \n at the end"
    if text != text.strip():
        return "white space at the start" if text != text.lstrip() else "white space at the end"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        return "the quotes around it, which its loader keeps as part of the value"
    if text[0] in "\"'“‘”’" or text[-1] in "\"'“”’":
        return "a stray quote"
    if re.search(r"\s#(\s|\w)", text) and "://" not in text:
        return "an inline comment, which its loader keeps as part of the value"
    return None


def bare(text: str) -> str:
    """The text without what `padding` names."""
    text = re.sub(r"\s#.*$", "", text) if re.search(r"\s#(\s|\w)", text) else text
    text = text.strip().strip("\ufeff\u200b\u200c\u200d\u2060")
    text = re.sub(r"(\\[nr])+$", "", text)
    return text.strip("\"'`“”‘’").strip()


def sound(setting: Setting | None) -> bool:
    """True when the setting holds a value worth judging by its meaning: present, no placeholder, not padded."""
    return setting is not None and setting.present and not setting.problem and (
        not isinstance(setting.value, str) or (placeholder(setting.text) is None and padding(setting.text) is None)
    )


def seconds(value: object) -> float | None:
    """A duration in seconds: a number, or text such as `250ms`, `8s`, `5m`, `1h`; None when it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", value)):
        return float(found[1]) * UNIT_SECONDS[found[2] or "s"]
    return None


def per_second(value: object) -> float | None:
    """A rate per second: a number, or text such as `5/s`, `300/min`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:/|per\s+)\s*(\w+)\s*", value)):
        unit = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
        return float(found[1]) / unit[found[2]] if found[2] in unit else None
    if isinstance(value, str):
        return number(value)
    return None


def number(value: object) -> float | None:
    """A number, also as text; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(str(value).strip())
    except ValueError:
        return None


def is_on(value: object) -> bool:
    """A switch as deployments write it: anything but an off word."""
    if isinstance(value, bool):
        return value
    return value is not None and str(value).strip().lower() not in OFF


class Url(Struct, frozen=True):
    """The parts of a URL the rules look at; `fault` says why no provider could call it."""

    text: str
    scheme: str
    host: str
    path: str
    credentials: bool
    fragment: str
    fault: str | None
    port: int | None = None


def url(text: str) -> Url:
    """Read a callback URL as a provider would."""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError as error:
        return Url(text, "", "", "", False, "", f"is no URL ({error})")
    fault = None
    if not parts.scheme or not parts.netloc:
        fault = "is not absolute: it needs https:// and a host"
    elif parts.scheme not in {"http", "https"}:
        fault = f"has the scheme {parts.scheme}, providers call https only"
    elif re.search(r"[\s<>{}]", text):
        fault = "holds white space or brackets"
    elif re.search(r"[*%$,;!'()]", host):
        fault = f"has the host {host}, which no name server knows"
    elif re.search(r"(?:^|\.)(?:your|my|the)-?(?:domain|site|app|company|server|host|api|service|website)(?:\.|$)|^domain\.com$", host):
        fault = f"has the stand-in {host} for a host"
    elif set(parts.path.split("/")) & {"undefined", "null", "None", "NaN", "[object Object]", "false"}:
        fault = "holds a value that was lost on its way (undefined, null or None)"
    elif parts.fragment.startswith("/"):
        fault = "holds its path behind a #, which is never sent"
    else:
        fault = unreachable(host)
    return Url(
        text, parts.scheme, host, parts.path, bool(parts.username or parts.password), parts.fragment, fault, port,
    )


def unreachable(host: str) -> str | None:
    """Why no provider can reach the host, or None."""
    if not host:
        return "has no host"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return f"points at {host}, a private address" if not address.is_global else None
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc")):
        return f"points at {host}, a name that exists only inside"
    if host.endswith(".cluster.local") or host == "host.docker.internal":
        return f"points at {host}, a name that exists only inside"
    if "_" in host:
        return f"has an underscore in its host name ({host}), which providers refuse"
    if "." not in host:
        return f"points at {host}, a name without a domain"
    return None
