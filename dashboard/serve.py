"""Starts the dashboard's server: `python -m dashboard.serve --home DIR`. Decides where it may listen; draws nothing.

An address other than loopback needs a log-in. Streamlit reads it from a secrets file; here that file is the one that
`WARDFLOW_SECRETS` names, else `secrets.toml` beside the home (never inside it, like the site key).
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dashboard.access import AccessError, is_loopback

APP = Path(__file__).with_name("streamlit_app.py")
NEEDED = ("redirect_uri", "cookie_secret")
NEEDED_OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")


def check_address(address: str, secrets: Mapping[str, object]) -> None:
    """Let a server listen on `address` only if it is loopback or somebody must log in.

    Raises:
        AccessError: not loopback, and `secrets` has no complete `[auth]` section.
    """
    if is_loopback(address):
        return
    auth = secrets.get("auth")
    if not isinstance(auth, Mapping):
        raise AccessError(
            f"The dashboard does not listen on {address or 'every address'} without a log-in. "
            "Put an [auth] section (OIDC) in the secrets file, or serve on 127.0.0.1."
        )
    providers = [auth, *(v for v in auth.values() if isinstance(v, Mapping))]
    missing = [k for k in NEEDED if not auth.get(k)]
    if not any(all(p.get(k) for k in NEEDED_OF_A_PROVIDER) for p in providers):
        missing += [k for k in NEEDED_OF_A_PROVIDER if not auth.get(k)]
    if missing:
        raise AccessError(
            f"The log-in for {address} is not complete: [auth] lacks {', '.join(missing)}. "
            "Add them to the secrets file, or serve on 127.0.0.1."
        )


def secrets_path(home: Path) -> Path:
    """Where the log-in's secrets are: `WARDFLOW_SECRETS`, else `<home>.secrets.toml` beside the home."""
    named = os.environ.get("WARDFLOW_SECRETS")
    return Path(named) if named else home.with_name(home.name + ".secrets.toml")


def read_secrets(path: Path) -> dict[str, object]:
    """The secrets, or none when there is no file.

    Raises:
        AccessError: the file is not TOML.
    """
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise AccessError(f"The secrets file {path} is not TOML: {error}. Mend that line.") from None


def serve(home: Path, port: int, address: str = "127.0.0.1") -> None:
    """Serve the dashboard of `home` until interrupted. This process becomes Streamlit's server.

    Raises:
        AccessError: `address` needs a log-in that is not set up.
    """
    home = home.absolute()
    path = secrets_path(home)
    check_address(address, read_secrets(path))
    os.environ["WARDFLOW_HOME"] = str(home)
    options = [
        f"--server.port={port}",
        f"--server.address={address}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]
    if path.is_file():
        options.append(f"--secrets.files={path}")
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(APP), *options])  # noqa: S606 — our own arguments


def main(arguments: list[str] | None = None) -> int:
    """The command: exit code 2 and one line on standard error when it refuses to start."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.serve", description="Serve Wardflow's dashboard.")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("WARDFLOW_HOME", "wardflow-home")))
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default="127.0.0.1")
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.home, chosen.port, chosen.address)
    except AccessError as error:
        print(error, file=sys.stderr)  # noqa: T201 — the edge, where a person reads it
    return 2


if __name__ == "__main__":
    sys.exit(main())
