"""Errors that the pipeline raises at a person: one line that names the value, the rule it broke and the cure.

`exit_code` is what the command line leaves with: 2 for wrong usage or configuration, 1 when the data failed. Not here:
errors of the pure core (`models.errors`). No message ever carries a line of a hospital's file.

* PipelineError (1)
  x ConfigurationError (2): wardflow.toml, registry.toml or the environment
  x HomeBusy (1): another writer holds the home
  x KeyMissing (2): there is no site key, or it is too short
  x KeyChanged (2): the warehouse was filled under another site key
  x UnreadableFile (1): a file that cannot be opened at all
  x SourceUnreachable (1): an engine that is polled does not answer, or refuses
  x ZoneNeeded (2): a log without offsets and no zone to read it in
  x TooManyAbsent (1): an export lacks so much of what was known that nothing was deleted
  x Unbalanced (1): an account that does not add up; nothing of its files was kept
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base class: catch this at an edge and show its one line."""

    exit_code = 1


class ConfigurationError(PipelineError):
    """A setting that breaks a rule."""

    exit_code = 2


class HomeBusy(PipelineError):
    """Another process writes to the home."""


class KeyMissing(PipelineError):
    """No usable site key."""

    exit_code = 2


class KeyChanged(PipelineError):
    """The site key differs from the one that the warehouse was filled with."""

    exit_code = 2


class UnreadableFile(PipelineError):
    """A delivered file that cannot be opened or is no file at all."""


class SourceUnreachable(PipelineError):
    """An engine that wardflow.toml has polled does not answer, or refuses. What was read before is kept."""


class ZoneNeeded(PipelineError):
    """Times without an offset, and no zone given for their source."""

    exit_code = 2


class TooManyAbsent(PipelineError):
    """An export that lacks more known resources than the threshold allows: nothing was deleted, the rest is loaded."""


class Unbalanced(PipelineError):
    """Lines read differ from lines accounted for: the transaction was rolled back."""
