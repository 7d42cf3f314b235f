"""Error texts of engines, reduced to what may be kept: class, code and a template in which nobody can be named.

Here: the rules of reduction, failing closed. Not here: any engine's format. The text itself is never stored, logged or
raised. A template keeps only words of the shipped vocabulary (and the hospital's `error_words`); one other word, or one
with a capital inside the sentence that engines do not write so, and it becomes `<redacted>`. The fingerprint is of the
template: of the text it would be an oracle for names.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

REDACTED = "<redacted>"
_LONGEST = 20_000
_LONGEST_LINE = 300
_LONGEST_TEMPLATE = 2_000

_HL7_SEGMENT = re.compile(r"(?m)^[\x0b]?(?:MSH|PID|PV1|MSA|ERR|[A-Z][A-Z0-9]{2})[|^]")
_NACK = re.compile(r"NACK sent from receiver\.?\s*\((Error|Rejected)\)", re.IGNORECASE)
# Mirth writes a stored response's line ends as references: a real one reads `...|P|2.3&#xd;MSA|AA|48295389&#xd;`.
_MSA = re.compile(r"(?m)(?:^|[\r\n\x0b]|&#(?:xd|13|xa|10);)MSA\|([A-Z]{2})\b")
_ERR3 = re.compile(r"(?m)(?:^|[\r\n])ERR\|[^|\r\n]*\|[^|\r\n]*\|(\d{1,3})\b")
_EXCEPTION = re.compile(r"\b(?:[a-z][\w$]*\.)+([A-Z]\w*(?:Exception|Error))\b")
_PLACEHOLDERS = (
    (re.compile(r"\"[^\"]*\"|'[^'\n]*'|`[^`]*`|“[^”]*”|«[^»]*»"), "<text>"),
    (re.compile(r"[\w.+-]+@[\w.-]+"), "<mail>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b[A-Z]{2}[A-Z0-9]-\d{1,2}(?:\.\d{1,2})*\b"), "<field>"),
    (re.compile(r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b"), "<date>"),
    (re.compile(r"\b(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?\b", re.IGNORECASE), "<host>"),
    (re.compile(r"\b\w*\d\w*\d\w*\b"), "<n>"),
)
_PLACEHOLDER = re.compile(
    r"<(?:text|mail|url|uuid|address|field|date|host|n|destination|empty|redacted)>|\d|\((?:error|rejected)\)"
)
_BRACKETED = re.compile(r"\[(\w+)\]")
_TOKEN = re.compile(r"<[a-z]+>|[^\W\d_][\w'’-]*|\d+")

CLASSES = (
    ("timeout", r"time[d ]?-?out|no (?:acknowledge?ment|response|reply) within|timeoutexception|deadline"),
    ("auth", r"unauthori|forbidden|access denied|permission|certificate|handshake|\bssl|\btls\b|log-?in|\b40[13]\b"),
    (
        "connect",
        r"connect|refused|unreachable|unknownhost|no route to host|broken pipe|socket|connection reset|network",
    ),
    (
        "capacity",
        r"out ?of ?memory|heap|disk (?:is )?full|no space|queue (?:is )?full|too many|stackoverflow|limit exceeded",
    ),
    ("transform", r"transformer|javascript|evaluating|script|nullpointer|typeerror|referenceerror"),
    ("route", r"\bfilter|no (?:such )?(?:route|destination|channel)|routing"),
    ("config", r"configur|not deployed|undeploy|no such (?:file|directory)|filenotfound|unsupported"),
    ("validate", r"invalid|valid|required|missing|parse|syntax|match|unknown|malformed|duplicate"),
)


@dataclass(frozen=True)
class ErrorFacts:
    """What is kept of one error. `code` is an HL7 table 0357 code or an acknowledgement code; null when there is none."""

    error_class: str
    code: str | None
    template: str

    @property
    def fingerprint(self) -> str:
        """Equal for equal templates of one class."""
        return hashlib.sha256(f"{self.error_class}|{self.template}".encode()).hexdigest()[:16]


def reduce_error(text: str, extra: frozenset[str] = frozenset(), names: tuple[str, ...] = ()) -> ErrorFacts:
    """The facts of one error text. `extra` are the hospital's own words, `names` what the destination is called: `<destination>`."""
    text = text[:_LONGEST]
    if nack := _NACK.search(text):
        msa, err = _MSA.search(text), _ERR3.search(text)
        code = err.group(1) if err else msa.group(1) if msa else None
        return ErrorFacts("nack", code, f"nack sent from receiver ({nack.group(1).lower()})")
    return ErrorFacts(_class_of(text), None, _template(text, extra, names))


def is_nack(text: str) -> bool:
    """Whether Mirth says that the receiver refused the message."""
    return _NACK.match(text.lstrip()) is not None


def ack_code(text: str | None) -> str | None:
    """MSA-1 of an acknowledgement inside a text."""
    found = _MSA.search(text) if text else None
    return found.group(1) if found and found.group(1) in {"AA", "AE", "AR", "CA", "CE", "CR"} else None


def kept_template(template: str, extra: frozenset[str] = frozenset()) -> str:
    """A template that somebody else wrote: as it is when it holds nothing but placeholders and known words, else redacted."""
    known = {word.lower() for word in vocabulary() | extra}
    words = template.split()
    exceptions = (_BRACKETED.fullmatch(word) for word in words)
    is_known = all(
        _PLACEHOLDER.fullmatch(word) or word in known or (named and named[1].lower() in known)
        for word, named in zip(words, exceptions, strict=True)
    )
    return " ".join(words) if words and is_known and len(template) <= _LONGEST_TEMPLATE else REDACTED


def _class_of(text: str) -> str:
    lowered = text.lower()
    return next((name for name, pattern in CLASSES if re.search(pattern, lowered)), "unknown")


def _template(text: str, extra: frozenset[str], names: tuple[str, ...]) -> str:
    chain = list(dict.fromkeys(_EXCEPTION.findall(text)))
    cut = min(
        (found.start() for found in (_HL7_SEGMENT.search(text), re.search(r"[<{]", text)) if found), default=len(text)
    )
    line = next((part.strip() for part in text[:cut].splitlines() if part.strip()), "")[:_LONGEST_LINE]
    line = _EXCEPTION.sub(lambda found: found.group(1), line)
    for name in sorted(filter(None, names), key=len, reverse=True):
        line = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<destination>", line)
    for pattern, placeholder in _PLACEHOLDERS:
        line = pattern.sub(placeholder, line)
    tokens = _TOKEN.findall(line)
    allowed = vocabulary() | extra
    if not all(_is_harmless(token, i, allowed) for i, token in enumerate(tokens)):
        line_template = REDACTED
    else:
        line_template = " ".join(token if token.startswith("<") else token.lower() for token in tokens)
    kept = [name for name in chain if name.lower() in allowed and name.lower() not in line_template.split()]
    return " ".join([line_template or "<empty>", *(f"[{name}]" for name in kept)])


def _is_harmless(token: str, place: int, allowed: frozenset[str]) -> bool:
    if token.startswith("<") or token.isdigit() or token in allowed:
        return True
    if token.lower() not in allowed:
        return False
    named_like_a_person = token[0].isupper() and token[1:].islower() and place > 0
    return not named_like_a_person


@cache
def vocabulary() -> frozenset[str]:
    """The shipped words, in lower case but for those that engines capitalise."""
    lines = files("pipelines.sources").joinpath("error_vocabulary.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
