"""A first manifest and account files, drafted from the environment files of a project. Pure: names in, texts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from otpgate.config import documents, environment, preset
from otpgate.config.keys import GATEWAY
from otpgate.config.model import Entry
from otpgate.config.references import Resolver
from otpgate.errors import OtpgateError
from otpgate.findings import Span
from otpgate_contracts import loading
from otpgate_contracts.model import Pack

SKIPPED = frozenset((
    ".git", ".venv", "venv", "node_modules", "__pycache__", "dist", "build", ".tox", ".nox", "site-packages", "vendor", "tests",
))
_SAMPLES = ("example", "sample", "template", "dist", "test", "ci")
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# What deployments call the settings that every gateway has.
_COMMON = {
    "sender": ("FROM", "SENDER", "SENDER_ID", "FROM_NUMBER", "PHONE_NUMBER", "NUMBER", "ORIGINATOR", "CALLER_ID"),
    "status_callback": ("STATUS_CALLBACK", "STATUS_CALLBACK_URL", "CALLBACK_URL", "DLR_URL"),
}
_OTP = {
    "digits": ("OTP_DIGITS", "OTP_LENGTH", "CODE_LENGTH"),
    "lifetime": ("OTP_LIFETIME", "OTP_TTL", "OTP_EXPIRY", "OTP_EXPIRES_IN", "CODE_TTL"),
    "template": ("OTP_TEMPLATE", "SMS_TEMPLATE", "OTP_MESSAGE"),
    "max_attempts": ("OTP_MAX_ATTEMPTS",),
    "static_codes": ("OTP_TEST_CODES", "OTP_STATIC_CODE", "OTP_BYPASS_CODE", "OTP_TEST_CODE"),
    "mock": ("SMS_MOCK", "OTP_MOCK", "SMS_DRY_RUN", "OTP_DRY_RUN"),
}


class Found(Struct, frozen=True):
    """One environment file, as the manifest would name it, and what it defines."""

    file: str
    entries: dict[str, Entry]


class Draft(Struct, frozen=True):
    """Files to write, by path relative to the folder, and what was understood, one sentence each."""

    files: dict[str, str]
    notes: tuple[str, ...]


def search(folder: Path) -> list[Found]:
    """Environment files of a project, up to two folders deep. What cannot be read as one is passed over."""
    found: list[Found] = []
    for path in _candidates(folder, 2):
        for name in _parts(path, folder):
            try:
                read = environment.load([environment.Named(name, None, Span(name))], folder, lambda _: None)
            except OtpgateError:
                continue
            if read.entries:
                found.append(Found(name, read.entries))
    return found


def _candidates(folder: Path, depth: int) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        lower = path.name.lower()
        if path.is_dir():
            if depth and lower not in SKIPPED and not (lower.startswith(".") and lower != ".deploy"):
                yield from _candidates(path, depth - 1)
        elif (lower.endswith(".env") or lower.startswith(".env") or lower in _COMPOSE) and not any(
            part in _SAMPLES for part in lower.replace("-", ".").split(".")
        ):
            yield path


def _parts(path: Path, folder: Path) -> list[str]:
    name = path.relative_to(folder).as_posix()
    if path.name not in _COMPOSE:
        return [name]
    try:
        loaded = documents.parse(path.read_text("utf-8"), name)
    except (OtpgateError, UnicodeDecodeError):
        return []
    services = loaded.items.get("services")
    return [f"{name}#{service}" for service in (services.items if services is not None else ())]


def guess_preset(names: Iterable[str]) -> str | None:
    """The preset most of whose tell-tale names are deployed."""
    known = set(names)
    scores = {id: sum(name in known for name in preset.read(id).detect) for id in preset.ids()}
    best = max(scores, key=lambda id: scores[id])
    return best if scores[best] else None


def draft(folder: Path, found: list[Found], chosen: str | None) -> Draft:
    """Manifest and account files for what was found. `chosen` is a preset's id."""
    used = _deployed(found)
    names = {name: entry.value for one in used for name, entry in one.entries.items()}
    notes = [f"reads {one.file}" for one in used] or ["found no environment file: fill in `environment`"]
    if chosen is not None:
        notes.append(f"uses the preset {chosen} ({preset.read(chosen).title})")
        gateways = _of_preset(folder, chosen, used)
    else:
        gateways = _of_names(names)
    notes += [f"gateway {name} of {pack.provider.title}" for name, (pack, _) in gateways.items()]
    if not gateways:
        notes.append("recognised no gateway: fill in `gateways`")
    files = {"otpgate.yaml": _manifest(folder, used, gateways, chosen, names)}
    for name, (pack, settings) in gateways.items():
        files[f"accounts/{name}.yaml"] = _account(pack, settings)
    return Draft(files, tuple(notes))


def _deployed(found: list[Found]) -> list[Found]:
    """The files that hold gateway settings; where some are named for production, only those."""
    known = {env for pack in loading.packs().values() for spec in pack.provider.settings for env in spec.env}
    known |= {name for id in preset.ids() for name in preset.read(id).detect}
    holding = [one for one in found if known & set(one.entries)]
    production = [one for one in holding if "prod" in one.file.lower()]
    if not production:
        return holding
    return [one for one in found if "prod" in one.file.lower()]


def _of_preset(folder: Path, id: str, used: list[Found]) -> dict[str, tuple[Pack, dict[str, str]]]:
    """The gateways the deployment chooses among those of the preset."""
    resolver = Resolver(folder, {})
    resolver.deployed = {name: entry for one in used for name, entry in one.entries.items()}
    bound = preset.Binder(preset.read(id), resolver, Span("otpgate.yaml")).bind(None)
    return {name: (loading.pack(node.items["provider"].text), {}) for name, node in bound.gateways.items.items()}


def _of_names(names: Mapping[str, str]) -> dict[str, tuple[Pack, dict[str, str]]]:
    """Gateways whose own settings are deployed under the names that packs list."""
    found: dict[str, tuple[Pack, dict[str, str]]] = {}
    for id, pack in loading.packs().items():
        settings = {
            spec.name: next(env for env in spec.env if env in names)
            for spec in pack.provider.settings if any(env in names for env in spec.env)
        }
        if not any(set(scheme.settings) <= set(settings) for scheme in pack.provider.credentials):
            continue
        prefixes = {settings[name].partition("_")[0] for name in settings}
        for common, endings in _COMMON.items():
            if common not in settings:
                hit = next((f"{prefix}_{ending}" for prefix in prefixes for ending in endings if f"{prefix}_{ending}" in names), None)
                if hit is not None:
                    settings[common] = hit
        found[id] = (pack, settings)
    return found


def _manifest(
    folder: Path, used: list[Found], gateways: dict[str, tuple[Pack, dict[str, str]]], chosen: str | None,
    names: Mapping[str, str],
) -> str:
    lines = [
        "# What otpgate checks before a deploy. Every key: https://otpgate.readthedocs.io/how-to/manifest/",
        "service:", f"  name: {_quoted(folder.name or 'otp-service')}",
    ]
    if chosen is not None:
        lines.append(f"  preset: {chosen}")
    else:
        lines += [
            "  # start:                        # needed by `otpgate verify`; `otpgate check` does without",
            "  #   command: [python, -m, my_service]",
            "  #   ready: /healthz",
            '  #   environment: {PORT: "{port}"}',
        ]
    if used:
        lines += ["  environment:", *(f"    - {_quoted(one.file)}" for one in used)]
    else:
        lines.append("  environment: []                 # the files that are deployed")
    if "PUBLIC_URL" in names:
        lines.append("  public_url: ${PUBLIC_URL}")
    if chosen is None:
        lines += [
            "  # api:                          # how a code is requested and verified",
            '  #   request_code: {method: POST, path: /otp, json: {phone: "{phone}"}, accepted: [202]}',
            '  #   verify_code: {method: POST, path: /otp/verify, json: {phone: "{phone}", code: "{code}"}, accepted: [200], refused: [401]}',
        ]
    lines += ["", "gateways:" if gateways else "gateways: {}"]
    for name, (pack, settings) in gateways.items():
        lines.append(f"  {name}:")
        if chosen is None:
            lines.append(f"    provider: {pack.id}")
        lines += [f"    {key}: ${{{env}}}" for key, env in _ordered(settings)]
        lines.append(f"    account: accounts/{name}.yaml")
    if gateways:
        lines += [
            "", "routes:                            # who is served through what, in failover order; countries are yours to fill in",
            f"  - {{countries: [US], gateways: [{', '.join(gateways)}], share: 1}}",
        ]
    otp = {key: next((env for env in candidates if env in names), None) for key, candidates in _OTP.items()}
    if chosen is None and any(otp.values()):
        lines += ["", "otp:", *(f"  {key}: ${{{env}}}" for key, env in otp.items() if env is not None)]
    return "\n".join((*lines, "", "profile: production", ""))


def _ordered(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    order = {name: index for index, name in enumerate(GATEWAY)}
    return sorted(settings.items(), key=lambda pair: (pair[0] in order, order.get(pair[0], 0)))


def _quoted(text: str) -> str:
    plain = text.replace("_", "a").replace("-", "a").replace("/", "a").replace(".", "a").isalnum() and text[0].isalpha()
    return text if plain or text.startswith(".") else f'"{text}"'


def _account(pack: Pack, settings: Mapping[str, str]) -> str:
    scheme = next((one for one in pack.provider.credentials if one.principal in settings), None)
    lines = [
        f"# What {pack.provider.title} knows about the account and the service does not. What is left out is unknown.",
        f"provider: {pack.id}",
    ]
    if scheme is not None:
        lines.append(f"# account: {{id: ..., kind: full, status: active}}    # id as in {settings[scheme.principal]}")
    lines += [
        "# senders:",
        '#   - {number: "+12025550143", kind: long_code, sms: true}',
        "#   - {alphanumeric: ACME, countries: [GB, DE]}",
        "# destinations: {enabled: [US]}",
        "# balance: {amount: \"42.00\", currency: USD}",
        "# callbacks: {status: https://example.com/webhooks/sms}",
    ]
    return "\n".join((*lines, ""))
