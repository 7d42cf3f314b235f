"""The site key and the keyed hash by which identifiers join without being readable.

`keyed(kind, authority, value)` is the first 32 hex digits of HMAC-SHA-256(site key, "kind|authority|value"). It exists
twice, in Python and as a DuckDB macro, and a test holds them equal. Here: loading, creating and applying the key. Not
here: which columns are hashed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING

from pipelines.errors import KeyMissing

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.settings import Settings

SHORTEST_KEY = 16
_BLOCK = 64
_HEX_DIGITS = 32


def load(settings: Settings) -> bytes:
    """The site key: WARDFLOW_SITE_KEY as UTF-8 text, else the key file's content without its line end.

    Raises:
        KeyMissing: neither exists, or the key has fewer than 16 bytes.
    """
    if settings.site_key is not None:
        key, where = settings.site_key.get_secret_value().encode(), "WARDFLOW_SITE_KEY"
    else:
        where = str(settings.key_path)
        try:
            key = settings.key_path.read_bytes().strip()
        except OSError as error:
            raise KeyMissing(
                f"There is no site key: WARDFLOW_SITE_KEY is not set and {where} cannot be read. Restore that file, or set the variable."
            ) from error
    if len(key) < SHORTEST_KEY:
        raise KeyMissing(
            f"The site key of {where} has {len(key)} bytes; it needs {SHORTEST_KEY} or more. Use a longer one."
        )
    return key


def create(settings: Settings) -> bytes:
    """The site key, making its file (0600) when neither the variable nor the file exists.

    Raises:
        KeyMissing: the file would lie inside the home, where a copy of the home would carry it along.
    """
    path = settings.key_path
    if settings.site_key is None and not path.exists():
        if path.is_relative_to(settings.home.resolve()):
            raise KeyMissing(
                f"The key file {path} lies inside the home {settings.home}. Set key_file to a place outside it."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    return load(settings)


def is_private(path: Path) -> bool:
    """Whether only its owner may read the key file."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


def keyed(key: bytes, kind: str, authority: str, value: str) -> str:
    """The keyed hash of one identifier: 32 lower-case hex digits."""
    return keyed_bytes(key, kind, authority, value.encode())


def keyed_bytes(key: bytes, kind: str, authority: str, value: bytes) -> str:
    """The keyed hash of bytes that may not be text, such as a quarantined line."""
    return hmac.new(key, f"{kind}|{authority}|".encode() + value, hashlib.sha256).hexdigest()[:_HEX_DIGITS]


def fingerprint(key: bytes) -> str:
    """What tells two site keys apart without telling either: kept in the warehouse to notice a changed key."""
    return keyed(key, "key", "", "fingerprint")


def install(db: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give this connection the macro `keyed(kind, authority, v)`; null when any part is null. Nothing is written to the file."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    for name, pad in (("site_ipad", 0x36), ("site_opad", 0x5C)):
        db.execute(f"set variable {name} = $pad", {"pad": bytes(byte ^ pad for byte in block)})
    db.execute(
        """
        create or replace temp macro keyed(kind, authority, v) as left(
            sha256(getvariable('site_opad')
                   || unhex(sha256(getvariable('site_ipad') || encode(kind || '|' || authority || '|' || v)))),
            32)
        """
    )
