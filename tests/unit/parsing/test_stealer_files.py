from __future__ import annotations

import pytest

from emberwatch.parsing.stealer_files import (
    LogFile,
    is_cookie_file,
    is_password_file,
    is_system_file,
    log_file,
)

LOG = "DE[0123] [2023]"


@pytest.mark.parametrize(
    "path",
    [
        "Passwords.txt",
        "passwords.TXT",
        f"{LOG}/Passwords.txt",
        "All Passwords.txt",
        "allpasswords.txt",
        "_AllPasswords_list.txt",
        "password list.log",
        "pws.txt",
        "pwds.txt",
        "passwords - copy.txt",
        "browser_passwords.txt",
        "logins.txt",
        "credentials.txt",
        "FTP/Credentials.txt",
        "found_credentials.txt",
        "filezilla_credentials.txt",
        "Passwords[Chrome]x.txt",
        "Logins_Edge.txt",
        "Default_logins.txt",
        f"{LOG}/Passwords/Chrome.txt",
        f"{LOG}/Logins/Edge_Default.txt",
        f"{LOG}/Chrome/Default/Passwords.txt",
        "Passwords\u3164.txt",
    ],
)
def test_password_files(path: str) -> None:
    assert log_file(path) is LogFile.PASSWORDS


@pytest.mark.parametrize(
    "name",
    [
        "UserInformation.txt",
        "System Info.txt",
        "system_info.txt",
        "systeminfo.txt",
        "System.txt",
        "information.txt",
        "_Information.txt",
        "Info.txt",
        "PC Info.txt",
        "UserInformation\u3164\u3164.txt",
    ],
)
def test_system_files(name: str) -> None:
    assert is_system_file(name)
    assert log_file(f"{LOG}/{name}") is LogFile.SYSTEM


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{LOG}/Cookies/passwords.txt", LogFile.BROWSER_DATA),
        (f"{LOG}/Autofills/Chrome.txt", LogFile.BROWSER_DATA),
        (f"{LOG}/History/logins.txt", LogFile.BROWSER_DATA),
        (f"{LOG}/FileGrabber/Desktop/passwords.txt", LogFile.GRABBED),
        (f"{LOG}/Desktop/UserInformation.txt", LogFile.GRABBED),
        (f"{LOG}/InstalledSoftware.txt", LogFile.OTHER),
        (f"{LOG}/passwordcracker.txt", LogFile.OTHER),
        (f"{LOG}/passwords.docx", LogFile.OTHER),
        (f"{LOG}/Passwords/Chrome.png", LogFile.OTHER),
        ("mycredentials.txt", LogFile.OTHER),
        ("", LogFile.OTHER),
    ],
)
def test_the_rest(path: str, kind: LogFile) -> None:
    assert log_file(path) is kind


def test_only_the_base_name_counts() -> None:
    assert not is_password_file("passwords/readme.txt")
    assert is_password_file("x.zip!a/Passwords.txt")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("v/Cookies/Chrome_Default.txt", True),
        ("v/_AllCookies_list.txt", True),
        ("v/cookies.txt", True),
        ("v/Passwords.txt", False),
        ("v/Cookies/x.png", False),
    ],
)
def test_cookie_files(path: str, expected: bool) -> None:
    assert is_cookie_file(path) is expected


@pytest.mark.parametrize(
    "name", ["sitemanager.xml", "FTP/FileZilla/recentservers.xml", "FTP/Credentials.txt"]
)
def test_ftp_logins_are_password_files(name: str) -> None:
    assert log_file(name) is LogFile.PASSWORDS
