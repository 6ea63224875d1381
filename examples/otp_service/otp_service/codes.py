"""Codes: made, stored hashed, checked once.

A code lives in SQLite as an HMAC under the service's pepper. It can be used once, only until it expires,
and only for a limited number of attempts; a new code replaces the old one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from otp_service.settings import Settings

_SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    phone TEXT PRIMARY KEY, digest TEXT NOT NULL, expires REAL NOT NULL, attempts INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, sends INTEGER NOT NULL, window_start REAL NOT NULL, last_send REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    gateway TEXT NOT NULL, provider_id TEXT NOT NULL, attempt TEXT NOT NULL, status TEXT NOT NULL,
    rank INTEGER NOT NULL, PRIMARY KEY (gateway, provider_id)
);
"""
_WINDOW = 600.0


class Check(Enum):
    """What came of a verification attempt."""

    CORRECT = "correct"
    WRONG = "wrong"
    EXPIRED = "expired"
    TOO_MANY = "too many attempts"


@dataclass(frozen=True)
class TooSoon(Exception):
    """A code was asked for too early or too often; `retry_after` in seconds."""

    retry_after: float


class Store:
    """SQLite behind one lock: the service is small, and a code must never be used twice."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        folder = Path(settings.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "otp.sqlite3", check_same_thread=False, isolation_level=None)
        # A code lives for minutes: losing the last one in a power cut is fine, waiting for the disk at every send is not.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def issue(self, phone: str) -> str:
        """A fresh code for a number; raises TooSoon inside the resend limits."""
        settings, now = self._settings, time.time()
        with self._lock:
            row = self._db.execute(
                "SELECT sends, window_start, last_send FROM codes WHERE phone = ?", (phone,)
            ).fetchone()
            sends, window_start = 1, now
            if row is not None:
                if now - row[2] < settings.resend_after:
                    raise TooSoon(settings.resend_after - (now - row[2]))
                if now - row[1] < _WINDOW:
                    sends, window_start = row[0] + 1, row[1]
                    if sends > settings.resend_limit + 1:
                        raise TooSoon(_WINDOW - (now - row[1]))
            code = f"{secrets.randbelow(10**settings.digits):0{settings.digits}d}"
            self._db.execute(
                "INSERT OR REPLACE INTO codes VALUES (?, ?, ?, 0, 0, ?, ?, ?)",
                (phone, self._digest(phone, code), now + settings.lifetime, sends, window_start, now),
            )
        return code

    def check(self, phone: str, code: str) -> Check:
        """Compare in constant time; a correct code is spent."""
        with self._lock:
            row = self._db.execute(
                "SELECT digest, expires, attempts, used FROM codes WHERE phone = ?", (phone,)
            ).fetchone()
            if row is None or row[3]:
                return Check.WRONG
            if time.time() >= row[1]:
                return Check.EXPIRED
            if row[2] >= self._settings.max_attempts:
                return Check.TOO_MANY
            correct = hmac.compare_digest(row[0], self._digest(phone, code))
            self._db.execute(
                "UPDATE codes SET attempts = attempts + 1, used = ? WHERE phone = ?", (int(correct), phone)
            )
        return Check.CORRECT if correct else Check.WRONG

    def remember(self, gateway: str, provider_id: str, attempt: str) -> None:
        """Tie a provider's message id to the delivery attempt it belongs to."""
        with self._lock:
            self._db.execute(
                "INSERT OR IGNORE INTO messages VALUES (?, ?, ?, 'accepted', 0)", (gateway, provider_id, attempt)
            )

    def advance(self, gateway: str, provider_id: str, status: str, rank: int) -> str | None:
        """Record a receipt; the attempt it belongs to when it moved the message forward, else None.

        Receipts repeat and overtake each other: only a higher rank counts, and a final state stays.
        """
        with self._lock:
            row = self._db.execute(
                "SELECT attempt, rank FROM messages WHERE gateway = ? AND provider_id = ?", (gateway, provider_id)
            ).fetchone()
            if row is None or rank <= row[1]:
                return None
            self._db.execute(
                "UPDATE messages SET status = ?, rank = ? WHERE gateway = ? AND provider_id = ?",
                (status, rank, gateway, provider_id),
            )
            return str(row[0])

    def healthy(self) -> bool:
        with self._lock:
            return self._db.execute("SELECT 1").fetchone() == (1,)

    def _digest(self, phone: str, code: str) -> str:
        return hmac.new(self._settings.pepper.encode(), f"{phone}\x00{code}".encode(), hashlib.sha256).hexdigest()
