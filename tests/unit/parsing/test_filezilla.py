"""Site lists of FTP clients, whole and cut."""

from __future__ import annotations

import base64

from emberwatch.parsing.base import ANYBODY, Outcome, ParsedCredential, Reject
from emberwatch.parsing.filezilla import FileZilla
from emberwatch.parsing.lines import split_lines

SITES = """<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.60" platform="windows">
    <Servers>
        <Server>
            <Host>ftp.a.test</Host>
            <Port>2222</Port>
            <Protocol>1</Protocol>
            <User>u@contoso.example</User>
            <Pass encoding="base64">{secret}</Pass>
            <Name>x</Name>
        </Server>
        <Server>
            <Host>ftp.b.test</Host>
            <User>v&amp;w@contoso.example</User>
            <Pass>p&lt;w&quot;</Pass>
        </Server>
    </Servers>
</FileZilla3>
"""


def parse(text: str) -> list[Outcome]:
    return list(FileZilla().parse(split_lines([text.encode()]), ANYBODY))


def credentials(text: str) -> list[tuple[str, str, str]]:
    return [(o.url, o.login, o.secret.expose()) for o in parse(text) if isinstance(o, ParsedCredential)]


def test_sites_with_their_passwords() -> None:
    text = SITES.format(secret=base64.b64encode("Xk2:9q ü".encode()).decode())
    assert credentials(text) == [
        ("sftp://ftp.a.test:2222/", "u@contoso.example", "Xk2:9q ü"),
        ("ftp://ftp.b.test/", "v&w@contoso.example", 'p<w"'),
    ]


def test_a_cut_file_gives_what_it_holds() -> None:
    text = SITES.format(secret="cHc=").partition("<Name>")[0]
    assert credentials(text) == [("sftp://ftp.a.test:2222/", "u@contoso.example", "pw")]


def test_broken_base64_stays_as_it_is_and_no_password_is_told() -> None:
    assert credentials(SITES.format(secret="not*base64"))[0][2] == "not*base64"
    without = SITES.format(secret="").replace('<Pass encoding="base64"></Pass>', "")
    assert [type(o) for o in parse(without) if not hasattr(o, "secret")].count(Reject) == 1
