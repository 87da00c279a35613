"""The system file of a stealer log: which machine was infected, whose, where and when.

Keys are read by shape, as families copy each other; the family is a label worked out from markers afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import takewhile
from typing import Final, TypeAlias

from emberwatch.core.patterns import lazy
from emberwatch.parsing.decoding import clean, decode, decode_lines
from emberwatch.parsing.lines import MAX_LINE, lines_of, whole_lines
from emberwatch.parsing.stealer_keys import spellings_of
from emberwatch.parsing.system_dates import is_ambiguous, parse_day, parse_instant, parse_zone


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a log tells about the infected device; empty where it is silent."""

    family: str = ""
    machine_id: str = ""
    hwid: str = ""
    computer_name: str = ""
    user_name: str = ""
    ip: str = ""
    country: str = ""
    os: str = ""
    infected_at: datetime | None = None
    """Aware, in UTC; ``None`` when the log does not give the zone."""
    infected_at_text: str = ""
    """As the log wrote it."""
    infected_on: date | None = None
    """The day, in whatever zone; of an ambiguous date the reading that the family's habit makes likelier."""
    infected_ambiguous: bool = False
    """Whether day and month of ``infected_at_text`` could be either way round."""
    build: str = ""
    malware_path: str = ""
    antivirus: tuple[str, ...] = ()
    folder: str = ""
    """The victim's folder within the archive."""


_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "hwid": ("hwid",),
    "machine_id": ("machineid", "uid", "guid", "botid", "userid", "hardwareuuid", "serialnumber(system)"),
    "computer_name": (
        "computername",
        "computer",
        "pcname",
        "machinename",
        "hostname",
        "netbios",
        "имякомпьютера",
        "компьютер",
    ),
    "user_name": ("username", "user", "имяпользователя", "пользователь"),
    "ip": ("ip", "ipaddress", "ipinfo", "ipадрес", "айпи"),
    "country": ("country", "countrycode", "страна", "país", "pais", "land", "pays", "国家"),
    "os": (
        "operationsystem",
        "operatingsystem",
        "os",
        "osversion",
        "windows",
        "systemversion",
        "операционнаясистема",
        "ос",
    ),
    "user_and_computer": ("username[computername]",),
    "build": ("buildid", "build", "buildtag", "lummac2build", "lid", "logfrom"),
    "malware_path": ("filelocation", "path", "runningpath", "workdir"),
    "zone": ("timezone", "utc", "часовойпояс"),
    # A panel stamps this one when the log arrives, in its own zone: the victim's zone does not apply to it.
    "stamped": ("logdate", "launchedat", "lastseen"),
    "local_time": (
        "localtime",
        "localdate",
        "date",
        "time",
        "дата",
        "время",
        "местноевремя",
        "fecha",
        "datum",
    ),
}
_FIELD_OF: Final = {
    form: field for field, keys in _FIELDS.items() for key in keys for form in spellings_of(key)
}
_Keyed: TypeAlias = tuple[int, str, str]
"""The number of a line, its key, and what stands behind."""
_FEWEST: Final = 2
"""A readme may be called ``info.txt``: fewer known keys than this make no system file."""

_MARKERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("redline", ("operation system:", "filelocation:")),
    ("lumma", ("lummac2 build:",)),
    ("raccoon", ("racc0_0n",)),
    ("raccoon", ("user id:", "installed applications:")),
    ("stealc", ("network info:", "system summary:")),
    ("aurora", ("build information", "<====")),
    ("cryptbot", ("username [computername]:",)),
    ("rhadamanthys", ("wallpaper hash:", "machineid:")),
    ("amos", ("metamask info:", "userinfo:")),
    ("meta", ("log from:", "time zone:", "operating system:")),
    ("vidar", ("[hardware]", "[processes]", "[software]")),
)
_DAY_FIRST: Final = frozenset({"vidar", "lumma", "cryptbot", "aurora"})
_MONTH_FIRST: Final = frozenset({"redline", "meta"})
_DEFENCE: Final = frozenset({"av", "antivirus", "antiviruses", "installedantivirus"})
_MOST_DEFENCES: Final = 10

_KEYED: Final = lazy(r"([^:=]{0,63})[:=](.*)", re.DOTALL)
# Bullets, boxes and small pictures stand before keys.
_SPACING: Final = lazy(r"^[^\w<\[]+|[\s_\u3164-]+")
_CODE_IN_BRACKETS: Final = lazy(r"\(([A-Z]{2})\)\s*$|^([A-Z]{2}) *[(\[]")
_NOTHING: Final = frozenset({"", "unknown", "n/a", "none", "-"})
_FOLDER_COUNTRY: Final = lazy(r"(?:^|@\S+ )\[?([A-Z]{2})(?=\]|\[|[ _]|[0-9A-F]{32})\]?")
_FOLDER_ID: Final = lazy(
    r"(?<![0-9A-Za-z])[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}(?![0-9A-Za-z])|(?<![0-9a-zA-Z])[0-9A-F]{32}(?![0-9A-Za-z])"
    r"|(?<=^[A-Z]{2})[0-9A-F]{32}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_FOLDER_IP: Final = lazy(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
_FOLDER_WHEN: Final = lazy(
    r"(?<!\d)(\d{4}[-._]\d{1,2}[-._]\d{1,2}|\d{1,2}[-._]\d{1,2}[-._]\d{4})"
    r"(?:[T _-]*(\d{1,2}[_:.-]\d{2}(?:[_:.-]\d{2})?\S*))?"
)


def parse_system_info(data: bytes, folder: str = "") -> MachineFacts | None:
    """The machine that a system file describes, or ``None`` when the file is something else.

    The name of the victim's ``folder`` fills in what the file does not say.
    """
    text = _text(data)
    lines = text.split("\n")
    keyed = list(_keyed(lines))
    values = _values(keyed)
    if len(values) < _FEWEST:
        return None
    family = family_of(text)
    stamp = values.get("stamped") or values.get("local_time", "")
    habit = True if family in _DAY_FIRST else False if family in _MONTH_FIRST else None
    user, computer = _user_and_computer(values)
    facts = MachineFacts(
        family=family,
        machine_id=_machine_id(values),
        hwid=values.get("hwid", ""),
        computer_name=computer,
        user_name=user,
        ip=_address(values.get("ip", "")),
        country=_country(values.get("country", "")),
        os=values.get("os", ""),
        infected_at=_infected_at(values, day_first=habit),
        infected_at_text=stamp,
        infected_on=parse_day(stamp, day_first=habit),
        infected_ambiguous=is_ambiguous(stamp),
        build=values.get("build", ""),
        malware_path=values.get("malware_path", ""),
        antivirus=_antivirus(lines, keyed),
    )
    return _filled_from_folder(facts, folder)


def facts_from_folder(folder: str) -> MachineFacts:
    """What the name of a victim's folder alone tells, such as ``DE[<id>] [<date>]`` or ``DE_<address>_<date>``."""
    name = folder.rpartition("/")[2]
    identity, country, address = (
        _FOLDER_ID.search(name),
        _FOLDER_COUNTRY.search(name),
        _FOLDER_IP.search(name),
    )
    when = _FOLDER_WHEN.search(name.replace(identity[0], " ") if identity else name)
    text = when[0].rstrip("])") if when else ""
    machine = identity[0] if identity else ""
    return MachineFacts(
        machine_id=machine,
        hwid=machine,
        ip=address[1] if address else "",
        country=country[1] if country else "",
        infected_at=parse_instant(text),
        infected_at_text=text,
        infected_on=parse_day(text),
        infected_ambiguous=is_ambiguous(text),
        folder=folder,
    )


def family_of(text: str) -> str:
    """The stealer's family by its markers, or an empty string."""
    folded = text.casefold()
    return next((name for name, marks in _MARKERS if all(mark in folded for mark in marks)), "")


def _text(data: bytes) -> str:
    return "\n".join(_text_of(piece) for piece in whole_lines([data]))


def _text_of(piece: bytes) -> str:
    text = decode_lines(piece) if len(piece) <= MAX_LINE else None
    if text is not None:
        return text
    return "\n".join(decode(clean(line))[0] for line in lines_of(piece) if len(line) <= MAX_LINE)


def _keyed(lines: Sequence[str]) -> Iterator[_Keyed]:
    """The lines that hold a key; most of a system file is programs and processes, which have none."""
    for number, line in enumerate(lines):
        if (":" in line or "=" in line) and (found := _KEYED.fullmatch(line)):
            yield number, found[1], found[2]


def _values(keyed: Iterable[_Keyed]) -> dict[str, str]:
    values: dict[str, str] = {}
    for _, key, value in keyed:
        field = _field_of(key)
        value = value.strip()[:512]
        if field and value.casefold() not in _NOTHING:
            values.setdefault(field, value)
    return values


# Nearly every log has the same keys, and the same programs and processes below them.
@lru_cache(maxsize=4096)
def _field_of(key: str) -> str | None:
    return _FIELD_OF.get(_SPACING.sub("", key).casefold())


def _infected_at(values: Mapping[str, str], day_first: bool | None) -> datetime | None:
    if "stamped" in values:
        return parse_instant(values["stamped"], day_first=day_first)
    zone = parse_zone(values.get("zone", ""))
    return parse_instant(values.get("local_time", ""), zone=zone, day_first=day_first)


def _user_and_computer(values: Mapping[str, str]) -> tuple[str, str]:
    user, bracket, computer = values.get("user_and_computer", "").partition("[")
    together = (user.strip(), computer.rstrip("] ")) if bracket else ("", "")
    return values.get("user_name") or together[0], values.get("computer_name") or together[1]


def _address(text: str) -> str:
    """The first word: some write the country or the provider behind it."""
    return text.split()[0].rstrip(",;") if text else ""


def _antivirus(lines: Sequence[str], keyed: Iterable[_Keyed]) -> tuple[str, ...]:
    """Names on the line of the key, or on the lines below it up to a blank one."""
    found = next(((number, value) for number, key, value in keyed if _is_defence(key)), None)
    if found is None:
        return ()
    number, value = found
    below = lines[number + 1 : number + 1 + _MOST_DEFENCES]
    names = [value] if value.strip() else takewhile(str.strip, below)
    cleaned = (name.strip(" \t\r-*")[:100] for name in names)
    return tuple(name for name in cleaned if name.casefold() not in _NOTHING)


@lru_cache(maxsize=4096)
def _is_defence(key: str) -> bool:
    return _SPACING.sub("", key).casefold() in _DEFENCE


def _machine_id(values: Mapping[str, str]) -> str:
    # Two families append the user's name to the id.
    stated = values.get("machine_id", "").partition("|")[0]
    uuid, mark, _ = stated.partition("_")
    return (uuid if mark and uuid.count("-") == 4 else stated) or values.get("hwid", "")


def _country(text: str) -> str:
    found = _CODE_IN_BRACKETS.search(text)
    return found[1] or found[2] if found else text


def _filled_from_folder(facts: MachineFacts, folder: str) -> MachineFacts:
    named = facts_from_folder(folder)
    return replace(
        facts,
        machine_id=facts.machine_id or named.machine_id,
        hwid=facts.hwid or named.hwid,
        country=facts.country or named.country,
        ip=facts.ip or named.ip,
        infected_at=facts.infected_at or named.infected_at,
        infected_at_text=facts.infected_at_text or named.infected_at_text,
        infected_on=facts.infected_on or named.infected_on,
        infected_ambiguous=facts.infected_ambiguous
        or (not facts.infected_at_text and named.infected_ambiguous),
        folder=folder,
    )
