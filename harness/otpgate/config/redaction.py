"""What of a configuration must not be shown: secrets, codes, passwords inside URLs."""

from __future__ import annotations

import re

from otpgate.config.model import Manifest, Setting

HIDDEN = "********"
_SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PEPPER|SALT|PASSW|PASSPHRASE|(?:^|_)(?:AUTH|PASS|PWD|PW|KEY|CREDENTIALS?|DSN)(?:_|$)|API_?KEY|AUTH_?KEY|PRIVATE|TEST_OTP|"
    r"CONNECTION_STRING", re.IGNORECASE,
)
_PUBLIC_NAME = re.compile(r"PUBLIC_?KEY|KEY_?(?:ID|SID|NAME)$|_EXP(?:IRES?(?:_IN)?)?$|TOKEN_(?:LENGTH|VALIDITY|TEMPLATE)", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):([^/@\s]+)@")
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{20,}")
_COMMON = frozenset(("callback_secret",))
_SECRET_KINDS = ("secret", "key")


def secret_paths(manifest: Manifest) -> frozenset[str]:
    """Paths of settings whose values are secret: the provider's pack says so, or they are codes."""
    found = {"otp.static_codes"}
    for gateway in manifest.gateways.values():
        pack = gateway.pack
        for name in gateway.settings:
            spec = pack.setting(name) if pack is not None else None
            if name in _COMMON or (spec is not None and spec.kind in _SECRET_KINDS) or (spec is None and secret_name(name)):
                found.add(f"gateways.{gateway.name}.{name.partition('?')[0]}")  # a URL that holds a secret is one
    return frozenset(found)


def secret_name(name: str) -> bool:
    """Whether an environment name sounds like a secret."""
    return _SECRET_NAME.search(name) is not None and _PUBLIC_NAME.search(name) is None


def shown(text: str, *, secret: bool) -> str:
    """The text as it may be printed. An empty value stays visible: that it is empty is no secret."""
    if secret and text:
        return HIDDEN
    return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)


def secret_entries(manifest: Manifest) -> frozenset[str]:
    """Names of environment entries that feed a secret setting; of those that feed none, the ones that look secret.

    A name sounds secret, the value looks random, or it comes from a secret store or a file of secrets.
    """
    paths = secret_paths(manifest)
    hidden: set[str] = set()
    public: set[str] = set()
    for setting in _leaves(manifest.settings_in_order):
        (hidden if _within(setting.path, paths) else public).update(entry.name for entry in setting.entries)
    for name, entry in {**manifest.environment, **manifest.taken_from_process}.items():
        looks = secret_name(name) or _RANDOM.fullmatch(entry.value) or "secret" in entry.span.file.lower()
        if entry.secret_store or (looks and name not in public):
            hidden.add(name)
    return frozenset(hidden)


def is_secret(setting: Setting, paths: frozenset[str]) -> bool:
    return _within(setting.path, paths)


def _within(path: str, paths: frozenset[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in paths)


def _leaves(settings: tuple[Setting, ...]) -> list[Setting]:
    return [leaf for setting in settings for leaf in ((_leaves(tuple(setting.items.values()))) if setting.items else [setting])]
