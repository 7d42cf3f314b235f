"""People who never existed: names, addresses, phones, medical record numbers and the free text written about them.

Everything personal that the simulation writes comes from the lists below, so that a test can look for every word of
it (`planted_strings`) in tables, logs and pages, where none may appear. Names are unusual on purpose: they occur
nowhere else.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

from sample_data.chance import stream

POPULATION = 9_000
"""People in one hospital's catchment area; some come back."""
TWIN = POPULATION + 1
"""The number under which somebody known is registered a second time by mistake."""

FAMILIES = (
    "Achterberg", "Bellweather-Ruiz", "Caoimhell", "D'Ambrosetti", "Eglantyne", "Fairgrieve", "Gallowglass",
    "Hollinshade", "Iturralde", "Jankelowitz", "Kwiatkowska", "Lindqvist", "Macavoy", "Núñez-Ferrol",
    "O'Brannigan", "Pellegrinov", "Quillfeather", "Rasmusdottir", "Szczepanik", "Tamagotchi-Lee", "Umberfield",
    "Vandermolen", "Wojnarowicz", "Xanthopoulos", "Yarborough-Finch", "Zielonka", "Abernethy", "Brancusi",
    "Castellanos", "Dzhugashvili", "Etxeberria", "Featherstonehaugh", "Grimaldo", "Haraldsen", "Ishiguro-Park",
    "Jiménez-Oduya", "Kilpatrick-Sow", "Lachenmeier", "Mbatha-Reyes", "Nkemelu",
)  # fmt: skip
GIVENS = (
    "Ottoline", "Thessaly", "Ignatius", "Marguerite", "Bartholomew", "Seraphina", "Octavian", "Wilhelmina",
    "Leopoldine", "Cornelius", "Anneliese", "Demetrios", "Evangeline", "Ferdinand", "Guadalupe", "Hyacinth",
    "Jerónimo", "Konstantin", "Lucinda", "Maximiliano", "Nicodemus", "Philippa", "Radoslav", "Temperance",
    "Ulrika", "Valentina", "Wenceslas", "Xiomara", "Yevgenia", "Zebulon",
)  # fmt: skip
STREETS = (
    "Alder Kill Road", "Beggars Hollow Lane", "Cobblers Reach", "Dunmore Ferry Street",
    "Elderberry Rise", "Fiddlers Elbow Road", "Gravel Pit Terrace", "Hangmans Oak Avenue",
    "Ironmonger Row", "Jackdaw Close", "Kettle Cove Drive", "Lamplighter Way",
    "Millrace Path", "Nutmeg Quay", "Old Tannery Road", "Partridge Bend",
    "Quarrymans Walk", "Ropemaker Street", "Saltbox Lane", "Turnpike Gate Road",
)  # fmt: skip
REASONS = (
    "Says the chest has felt tight since shoveling the neighbour's driveway.",
    "Fell from a stepladder while hanging curtains, landed on left wrist.",
    "Daughter noticed slurred speech at breakfast, now resolved.",
    "Woke at three with belly pain that moved to the right side.",
    "Dog bite to the forearm, animal belongs to a cousin.",
    "Short of breath climbing to the choir loft on Sunday.",
    "Cut hand on a broken mason jar in the cannery.",
    "Dizzy after doubling the blood pressure tablets by mistake.",
    "Fever and rigors two days after returning from the lake cabin.",
    "Toddler swallowed a button, witnessed by grandmother.",
    "Back went out lifting feed sacks, cannot stand straight.",
    "Headache worst of her life, began during the school concert.",
)
NOTES = (
    "Spouse waiting in the blue pickup, please call when ready.",
    "Prefers to be called by the middle name; hard of hearing on the left.",
    "Lives alone above the bakery, key is with the landlord.",
    "Asks that the sister in Poughkeepsie not be told.",
)
CONCLUSIONS = (
    "Compared with the sample drawn at the county fair clinic; trend discussed with the patient's niece.",
    "Slightly lipemic after the firehouse pancake supper, otherwise unremarkable.",
    "Patient mentioned a night shift at the paper mill before collection.",
    "Repeat suggested once the family has returned from the funeral.",
)
REJECTIONS = ("Unknown patient {family}^{given}", "PID-5 does not match the name on file: {given} {family}")
CITY, STATE, POSTCODE = "Wardville", "NY", "13999"


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a catchment area. `number` counts from 1 within the facility."""

    number: int
    mrn: str
    family: str
    given: str
    gender: str
    birth_date: str
    street: str
    phone: str

    @property
    def text(self) -> str:
        """The name as a person writes it."""
        return f"{self.given} {self.family}"


def mrn_of(prefix: str, number: int) -> str:
    """Medical record number as written everywhere: facility prefix and seven digits that do not look like a count."""
    return f"{prefix}{(number * 7_919 + 1_234_567) % 10_000_000:07d}"


def phone_of(number: int) -> str:
    """A phone number from the range kept for fiction."""
    return f"(607) 555-01{number % 100:02d}"


def person_of(prefix: str, number: int, seed: int) -> Person:
    """The same person for the same facility, number and seed, whoever asks and in whatever order."""
    draw = stream(seed, "person", prefix, number)
    year, month, day = 2025 - min(int(draw.betavariate(1.6, 1.3) * 98), 97), draw.randint(1, 12), draw.randint(1, 28)
    return Person(
        number=number,
        mrn=mrn_of(prefix, number),
        family=draw.choice(FAMILIES),
        given=draw.choice(GIVENS),
        gender=draw.choice(("female", "male")),
        birth_date=f"{year}-{month:02d}-{day:02d}",
        street=f"{draw.randint(1, 999)} {draw.choice(STREETS)}",
        phone=phone_of(draw.randint(0, 99)),
    )


def twin_of(person: Person, prefix: str) -> Person:
    """The same person under a second number and a second medical record number."""
    return replace(person, number=TWIN, mrn=mrn_of(prefix, TWIN))


def planted_strings(prefixes: tuple[str, ...] = ("NG", "EC", "WH")) -> frozenset[str]:
    """Every personal string the simulation can write: none may appear in a table, log, snapshot or page.

    Names as single words and in their three combined spellings, street names, phones, free text, and the medical record
    numbers of the facilities with these `prefixes`.
    """
    names = {form for f in FAMILIES for g in GIVENS for form in (f"{g} {f}", f"{f}^{g}", f"{f}, {g}")}
    phones = {phone_of(n) for n in range(100)}
    return frozenset(
        {*FAMILIES, *GIVENS, *STREETS, *REASONS, *NOTES, *CONCLUSIONS, *names, *_record_numbers(prefixes), *phones}
    )


def planted_in(text: str, prefixes: tuple[str, ...] = ("NG", "EC", "WH")) -> frozenset[str]:
    """The planted words, streets, phones, sentences and record numbers that occur in a text, in one pass over it.

    Combined names need no search of their own: each contains a family or a given name. Use this on large texts, where
    looking for every one of `planted_strings` in turn takes minutes.
    """
    words, numbers = _patterns(prefixes)
    known = _record_numbers(prefixes)
    return frozenset(words.findall(text)) | (frozenset(numbers.findall(text)) & known)


@cache
def _patterns(prefixes: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    phones = {phone_of(n) for n in range(100)}
    words = sorted({*FAMILIES, *GIVENS, *STREETS, *REASONS, *NOTES, *CONCLUSIONS, *phones}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words))), re.compile(rf"(?:{'|'.join(map(re.escape, prefixes))})\d{{7}}")


@cache
def _record_numbers(prefixes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(mrn_of(prefix, n) for prefix in prefixes for n in range(1, POPULATION + 2))
