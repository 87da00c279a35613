"""System files of synthetic machines: RedLine above all, and the shapes that others share with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.system_dates import parse_instant, parse_zone
from emberwatch.parsing.system_info import MachineFacts, facts_from_folder, parse_system_info

HWID = "0123456789ABCDEF0123456789ABCDEF"
FOLDER = f"pack/DE[{HWID}] [2023-08-30T06_22_24.1234567-03_00]"
REDLINE = f"""*****************
*  synthetic    *
*****************

Build ID: build-7
IP: 203.0.113.9
FileLocation: C:\\Temp\\setup.exe
UserName: mholt
Country: DE
Zip Code: UNKNOWN
Location: Testdorf, UNKNOWN
HWID: {HWID}
Current Language: German (Germany)
ScreenSize: {{Width=1920, Height=1080}}
TimeZone: (UTC+01:00) Somewhere
Operation System: Windows 10 Pro x64
Log date: 8/30/2023 6:22:24 AM

Hardwares:
Name: Synthetic CPU, 4 Cores

Anti-Viruses:
Windows Defender
"""
AT = datetime(2023, 8, 30, 9, 22, 24, tzinfo=UTC)


def test_redline_with_its_folder() -> None:
    assert parse_system_info(REDLINE.encode(), FOLDER) == MachineFacts(
        family="redline",
        machine_id=HWID,
        hwid=HWID,
        user_name="mholt",
        ip="203.0.113.9",
        country="DE",
        os="Windows 10 Pro x64",
        infected_at=AT,
        infected_at_text="8/30/2023 6:22:24 AM",
        infected_on=date(2023, 8, 30),
        build="build-7",
        malware_path="C:\\Temp\\setup.exe",
        antivirus=("Windows Defender",),
        folder=FOLDER,
    )


def test_the_log_date_has_no_zone_of_its_own() -> None:
    """The panel writes it in the panel's zone, so that the victim's TimeZone says nothing about it."""
    facts = parse_system_info(REDLINE.encode())
    assert facts is not None
    assert (facts.infected_at, facts.infected_at_text) == (None, "8/30/2023 6:22:24 AM")


@pytest.mark.parametrize(
    "data", [REDLINE.encode("utf-16"), b"\xef\xbb\xbf" + REDLINE.replace("\n", "\r\n").encode()]
)
def test_other_encodings(data: bytes) -> None:
    facts = parse_system_info(data, FOLDER)
    assert facts is not None and (facts.family, facts.hwid) == ("redline", HWID)


def test_a_readme_is_no_system_file() -> None:
    assert parse_system_info(b"Country: all of them\nBest combos here\n") is None
    assert parse_system_info(b"") is None


def test_the_folder_fills_in_what_the_file_does_not_say() -> None:
    facts = parse_system_info(b"UserName: m\nComputer Name: PC-7\nCountry: FR\n", FOLDER)
    assert facts is not None
    assert (facts.hwid, facts.country, facts.infected_at, facts.computer_name) == (HWID, "FR", AT, "PC-7")


@pytest.mark.parametrize(
    ("folder", "hwid", "country"),
    [
        (f"DE[{HWID}]", HWID, "DE"),
        (f"[DE]{HWID}", HWID, "DE"),
        (f"DE{HWID}", HWID, "DE"),
        (f"@reseller DE {HWID}", HWID, "DE"),
        ("0a1b2c3d-0001-0002-0003-0123456789ab", "0a1b2c3d-0001-0002-0003-0123456789ab", ""),
        ("ABC_PC", "", ""),
        (HWID, HWID, ""),
        (f"a/b/US {HWID}", HWID, "US"),
        ("some folder", "", ""),
        ("", "", ""),
    ],
)
def test_folder_names(folder: str, hwid: str, country: str) -> None:
    facts = facts_from_folder(folder)
    assert (facts.hwid, facts.country, facts.folder, facts.infected_at) == (hwid, country, folder, None)


@pytest.mark.parametrize(
    ("text", "family", "instant"),
    [
        ("- LummaC2 Build: x\n- HWID: A\n- Time: 19.07.2025 02:17:03 (sig:1752891423.31dc)\n", "lumma",
         datetime(2025, 7, 19, 2, 17, 3, tzinfo=UTC)),
        ("Network Info:\n\t- IP: 203.0.113.9\nSystem Summary:\n\t- HWID: A\n\t- UTC: -8\n"
         "\t- Local Time: 2026-01-21 08:01:02\n", "stealc", datetime(2026, 1, 21, 16, 1, 2, tzinfo=UTC)),
        ("Ip: 203.0.113.9\nCountry: Germany (DE)\nVersion: 1\nDate: 2/12/2025 9:05:01\nTimeZone: 4294967293\n"
         "[Hardware]\n[Processes]\n[Software]\n", "vidar", datetime(2025, 12, 2, 12, 5, 1, tzinfo=UTC)),
        ("Bot_ID: 0a-1-2-3-4_mholt\nRacc0_0n\nLaunched at: 2021.05.21 - 11:32:19 GMT\n", "raccoon",
         datetime(2021, 5, 21, 11, 32, 19, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_other_families_by_shape(text: str, family: str, instant: datetime) -> None:
    facts = parse_system_info(text.encode())
    assert facts is not None and (facts.family, facts.infected_at) == (family, instant)


def test_ids_and_countries_are_cut_from_what_surrounds_them() -> None:
    facts = parse_system_info(b"Bot_ID: 0a-1-2-3-4_mholt\nCountry: Germany (DE)\n")
    assert facts is not None and (facts.machine_id, facts.country) == ("0a-1-2-3-4", "DE")
    facts = parse_system_info(b"User ID: guid-7|mholt\nIP info: 203.0.113.9\n")
    assert facts is not None and (facts.machine_id, facts.ip) == ("guid-7", "203.0.113.9")


def test_install_dates_and_local_addresses_are_something_else() -> None:
    facts = parse_system_info(
        b"HWID: A\nUserName: m\nInstall Date: 2020-01-01 10:00:00 GMT\nLANIP: 192.0.2.1\n"
    )
    assert facts is not None and (facts.ip, facts.infected_at_text) == ("", "")


@pytest.mark.parametrize(
    ("text", "family", "on", "ambiguous", "instant"),
    [
        ("Operation System: W\nFileLocation: C:\\x\nLog date: 2/3/2023 6:22:24\n", "redline",
         date(2023, 2, 3), True, None),
        ("Operation System: W\nFileLocation: C:\\x\nLog date: 30.08.2023 6:22:24\n", "redline",
         date(2023, 8, 30), False, None),
        ("User ID: guid|m\nInstalled applications:\nLast seen: Tue Jul 18 2023 10:11:12 GMT+0200 (x)\n", "raccoon",
         date(2023, 7, 18), False, datetime(2023, 7, 18, 8, 11, 12, tzinfo=UTC)),
        ("<=== BUILD INFORMATION ===>\n<====\nHWID: A\nLocal Time: 30 Aug 22 06:22:24\n", "aurora",
         date(2022, 8, 30), False, None),
        ("UserName [ComputerName]: m [PC-7]\nLocal Date: 30.08.2022 [06:22:24] UTC: +01:00 x\n", "cryptbot",
         date(2022, 8, 30), False, datetime(2022, 8, 30, 5, 22, 24, tzinfo=UTC)),
        ("HWID: A\nUserName: m\nTime Zone: Europe/Berlin\nLocal Time: 2023-07-18 10:00:00\n", "",
         date(2023, 7, 18), False, datetime(2023, 7, 18, 8, 0, 0, tzinfo=UTC)),
        ("Ip: 203.0.113.9 (provider)\nCountry: DE\nDate: 3/2/2025 9:05:01\n", "", None, True, None),
    ],
)  # fmt: skip
def test_days_and_doubts(
    text: str, family: str, on: date | None, ambiguous: bool, instant: datetime | None
) -> None:
    facts = parse_system_info(text.encode())
    assert facts is not None
    assert (facts.family, facts.infected_on, facts.infected_ambiguous) == (family, on, ambiguous)
    assert facts.infected_at == instant


def test_a_folder_of_country_address_and_date() -> None:
    facts = facts_from_folder("pack/DE_203.0.113.9_2023-08-30")
    assert (facts.country, facts.ip, facts.infected_on) == ("DE", "203.0.113.9", date(2023, 8, 30))
    facts = facts_from_folder("PC-7_203.0.113.9_30.08.2023 06_22_24")
    assert (facts.country, facts.ip, facts.infected_on) == ("", "203.0.113.9", date(2023, 8, 30))


def test_the_user_and_the_computer_may_share_a_line() -> None:
    facts = parse_system_info(b"UserName [ComputerName]: mholt [PC-7]\nIP: 203.0.113.9 (x)\nAV: A, B\n")
    assert facts is not None
    assert (facts.user_name, facts.computer_name, facts.ip) == ("mholt", "PC-7", "203.0.113.9")
    assert facts.antivirus == ("A, B",)


PLUS_2 = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("8/30/2023 6:22:24 AM", datetime(2023, 8, 30, 4, 22, 24, tzinfo=UTC)),
        ("8/30/2023 12:22:24 AM", datetime(2023, 8, 29, 22, 22, 24, tzinfo=UTC)),
        ("8/30/2023 12:22:24 PM", datetime(2023, 8, 30, 10, 22, 24, tzinfo=UTC)),
        ("2/3/2023 6:22:24 PM", datetime(2023, 2, 3, 16, 22, 24, tzinfo=UTC)),
        ("02.03.2023 6:22:24", datetime(2023, 3, 2, 4, 22, 24, tzinfo=UTC)),
        ("30/8/2023 6:22:24", datetime(2023, 8, 30, 4, 22, 24, tzinfo=UTC)),
        ("2/3/2023 6:22:24", None),
        ("2024/3/18 8:1:2", datetime(2024, 3, 18, 6, 1, 2, tzinfo=UTC)),
        ("30.08.2022 [06:22:24] UTC: +01:00", datetime(2022, 8, 30, 5, 22, 24, tzinfo=UTC)),
        ("2023-08-30T06:22:24Z", datetime(2023, 8, 30, 6, 22, 24, tzinfo=UTC)),
        ("31.02.2023 6:22:24", None),
        ("30.08.2023", None),
        ("99/99/2023 6:22:24", None),
        ("1/1/0001 0:00:00", None),
        ("", None),
    ],
)
def test_dates(text: str, instant: datetime | None) -> None:
    assert parse_instant(text, zone=PLUS_2) == instant


def test_a_date_without_any_zone_is_no_instant() -> None:
    assert parse_instant("30.08.2023 6:22:24") is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("(UTC-03:00) Somewhere", -3),
        ("-8", -8),
        ("+01:00", 1),
        ("UTC+2", 2),
        ("GMT+0000", 0),
        ("UTC", 0),
        ("4294967293", -3),
        ("5", 5),
        ("Somewhere/Else", None),
        ("+99:00", None),
        ("", None),
    ],
)
def test_zones(text: str, hours: float | None) -> None:
    assert parse_zone(text) == (None if hours is None else timezone(timedelta(hours=hours)))


@given(
    st.text(max_size=60) | st.from_regex(r"[0-9]{1,5}[./-][0-9]{1,3}[./-][0-9]{1,5} [0-9]{1,3}:[0-9]{1,3} .*")
)
def test_any_text_is_answered(text: str) -> None:
    for zone in (None, PLUS_2, timezone.min, timezone.max):
        parse_instant(text, zone=zone)
    parse_zone(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    parse_system_info(b"Log date: " + data + b"\nHWID: " + data + b"\nTime: " + data, FOLDER)


@pytest.mark.parametrize(
    "written",
    [
        "HWID = A1\nIP = 203.0.113.9\nCountry = DE\nDate = 2023-08-30 06:22:24\n",
        "| HWID: A1\n| IP: 203.0.113.9\n| Country: DE\n| Date: 2023-08-30 06:22:24\n",
        "\u2022 HWID: A1\n\U0001f4e1 IP: 203.0.113.9\n\u2022 Country: Germany (DE)\n\u2022 Date: 30.08.2023\n",
        "HWID: A1\nIP: 203.0.113.9 (DE)\nCountry: DE [Germany]\nDate: Wed Aug 30 06:22:24 2023\n",
        "HWID: A1\rIP: 203.0.113.9\rСтрана: DE\rДата: 30.08.2023 06:22:24\r",
    ],
)
def test_other_ways_of_writing_it(written: str) -> None:
    for data in (written.encode(), written.encode("utf-16"), written.encode("cp1251", "replace")):
        found = parse_system_info(data, "v")
        assert found is not None
        assert (found.machine_id, found.ip, found.country) == ("A1", "203.0.113.9", "DE")
        assert found.infected_on == date(2023, 8, 30)


@pytest.mark.parametrize("written", ["1693376544", "1693376544000", "Wed Aug 30 06:22:24 UTC 2023"])
def test_an_instant_without_a_zone_beside_it(written: str) -> None:
    found = parse_system_info(f"HWID: A1\nCountry: DE\nTime: {written}\n".encode())
    assert found is not None
    assert found.infected_at == datetime(2023, 8, 30, 6, 22, 24, tzinfo=UTC)
