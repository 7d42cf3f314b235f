"""The site key and the keyed hash by which identifiers join without being readable.

`keyed(kind, authority, value)` is the first 32 hex digits of HMAC-SHA-256(site key, "kind|authority|value"). It exists
in Python, as a DuckDB macro and as an expression over a whole column, and tests hold them equal. Here: loading,
creating, replacing and applying the key. Not here: which columns are hashed, and what a rotation does to the data
(`rotation`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines import durable, vector_functions
from pipelines.errors import KeyMissing

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.settings import Settings

SHORTEST_KEY = 16
_HEX_DIGITS = 32


def load(settings: Settings) -> bytes:
    """The site key: WARDFLOW_SITE_KEY as UTF-8 text, else the key file's content without its line end.

    Raises:
        KeyMissing: neither exists, or the key has fewer than 16 bytes or is no UTF-8 text.
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
    try:
        key.decode()
    except UnicodeDecodeError:
        raise KeyMissing(f"The site key of {where} is no UTF-8 text. Use one made of letters and digits.") from None
    return key


def staged_path(settings: Settings) -> Path:
    """Where the next key waits, beside the key file, while a rotation is under way."""
    return settings.key_path.with_name(f"{settings.key_path.name}.next")


def staged(settings: Settings) -> bytes | None:
    """The next key, where a rotation has left one: of the environment where the key comes from there, else of its file."""
    if settings.site_key is not None:
        return settings.new_site_key.get_secret_value().encode() if settings.new_site_key else None
    path = staged_path(settings)
    return path.read_bytes().strip() if path.exists() else None


def stage(settings: Settings, key: bytes) -> None:
    """Write the next key beside the key file, readable by its owner only, so that it survives a crash."""
    path = staged_path(settings)
    path.unlink(missing_ok=True)
    _write(path, key)
    durable.sync(path.parent)


def promote(settings: Settings, *, keep_former: bool = True) -> Path | None:
    """Make the next key the key, in one step; where the former one now lies, null when it is not kept. Safe to repeat after a crash."""
    path, aside = settings.key_path, former_path(settings, load(settings))
    if keep_former and not aside.exists():
        os.link(path, aside)
    staged_path(settings).replace(path)
    durable.sync(path.parent)
    return aside if keep_former else None


def former_path(settings: Settings, key: bytes) -> Path:
    """Where a key that was replaced is laid aside: named by its fingerprint, which tells nothing about it."""
    return settings.key_path.with_name(f"{settings.key_path.name}.former-{fingerprint(key)[:8]}")


def _write(path: Path, key: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(key + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def new() -> bytes:
    """A key that nobody has had: 256 random bits, as text."""
    return secrets.token_hex(32).encode()


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
        _write(path, new())
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


def under(kind: str, authority: pl.Expr | str | None, value: pl.Expr) -> pl.Expr:
    """What the keyed hash of a column of values is of, `kind|authority|value`: null where the authority or the value is."""
    if isinstance(authority, str):
        return pl.concat_str(pl.lit(f"{kind}|{authority}|"), value)
    issuer = pl.lit(None, pl.String) if authority is None else authority
    return pl.concat_str(pl.lit(f"{kind}|"), issuer, pl.lit("|"), value)


def digest(key: bytes, text: pl.Expr) -> pl.Expr:
    """The keyed hash of a column of texts, each made by `under`; null of null. A whole column takes half the time of a macro."""
    namespace: Any = text
    return namespace.chash.hmac_sha256(key=key.decode()).str.head(_HEX_DIGITS)


def fingerprint(key: bytes) -> str:
    """What tells two site keys apart without telling either: kept in the warehouse to notice a changed key."""
    return keyed(key, "key", "", "fingerprint")


def install(db: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give this connection the macro `keyed(kind, authority, v)`; null when any part is null. Nothing is written to the file."""
    vector_functions.define(db, "site_hmac", digest(key, vector_functions.TEXT))
    db.execute(
        "create or replace temp macro keyed(kind, authority, v) as site_hmac(kind || '|' || authority || '|' || v)"
    )
