"""`wardflow rotate-key`: a new site key, and the warehouse under it. Not here: how (`pipelines.rotation`)."""

from __future__ import annotations

import click

from pipelines.cli.edge import call_of, format_option, home_options
from pipelines.cli.output import print_json


@click.command("rotate-key")
@click.option("--zone", metavar="IANA", help="Time zone of logs without offsets that were taken in with --zone.")
@click.option("--destroy-former-key", is_flag=True, help="Remove the former key instead of laying it aside.")
@format_option
@home_options
def rotate_key(zone: str | None, as_format: str, *, destroy_former_key: bool) -> None:
    """Replace the site key: build the warehouse anew from the delivered files under a new key, compare both, and swap them.

    Every file that was ever taken in must still be there; those that are not are named, and nothing is changed. A crash at any
    instant leaves the former warehouse and key or the new ones in use. Decisions and pilots go on. Keys of cases change: links to
    cases made before stop working, and the published snapshot shows the former keys until the next run. Where the key comes from
    WARDFLOW_SITE_KEY, the new one is taken from WARDFLOW_NEW_SITE_KEY.

    \b
    Example: wardflow rotate-key
             wardflow rotate-key --destroy-former-key --format json
    """
    from pipelines.rotation import rotate

    call = call_of()
    home, settings = call.home(), call.settings()
    with home.lock(say=_say):
        done = rotate(home, settings, zone=zone, keep_former=not destroy_former_key, say=_say)
    if as_format == "json":
        print_json(vars(done) | {"former": str(done.former) if done.former else None})
        return
    if done.finished_earlier:
        click.echo("Finished the rotation that was cut off: warehouse and key are the new ones.")
    else:
        click.echo(
            f"Rotated: {done.files} files read again, {done.rows} rows and {done.kpis} KPIs are the same under the new key."
        )
    if done.decisions or done.decisions_left:
        stay = (
            f"; {done.decisions_left} about what is no longer there stay under former numbers"
            if done.decisions_left
            else ""
        )
        click.echo(
            f"Decisions   {done.decisions} about exceptions and cases stand in the journal under the new numbers{stay}"
        )
    if done.former:
        click.echo(f"Former key  {done.former}: destroy it when no backup of the former warehouse is kept")
    elif settings.site_key is not None:
        click.echo("Next        set WARDFLOW_SITE_KEY to the new key and unset WARDFLOW_NEW_SITE_KEY")
    click.echo("Next        wardflow run (publishes under the new key; links to cases made before stop working)")


def _say(line: str) -> None:
    click.echo(line, err=True)
