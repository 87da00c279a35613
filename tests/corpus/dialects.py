"""Writes entries down the way each kind of leak does, and says which entries a dialect cannot carry."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.corpus.truth import Entry

Writer = Callable[[Sequence[Entry], random.Random], str]
_BANNER: Final = (
    "*****************************************\n*  SYNTHETIC BANNER   t.test/synthetic  *\n*****\n\n"
)
_NOTHING: Final = ("", "[NOT_SAVED]", "UNKNOWN", "N/A")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of writing."""

    name: str
    write: Writer
    fits: Callable[[Entry], bool]
    file_name: str = "leak.txt"
    bare_urls: bool = False
    hashed: float = 0.0
    without: float = 0.0
    urls: bool = True
    needs_login: bool = False
    """Carries no entry that is ours by its site alone."""


def _one_line(entry: Entry) -> bool:
    return not set("\r\n\0") & set(entry.secret)


def blocks(pattern: str, *, banner: bool = False, drop: float = 0.0) -> Writer:
    def write(entries: Sequence[Entry], rng: random.Random) -> str:
        out = [_BANNER] if banner else []
        for entry in entries:
            secret = entry.secret or rng.choice(_NOTHING)
            block = pattern.format(
                a=entry.url, u=entry.login, p=secret, n=rng.choice(("Chrome", "Edge [Default]"))
            )
            lines = block.split("\n")
            if rng.random() < drop:
                lines = [
                    x
                    for x in lines
                    if not x.lower().startswith(("soft", "browser", "application", "storage"))
                ]
            out.append("\n".join(lines))
            if banner and rng.random() < 0.03:
                out.append(_BANNER)
        return "".join(out)

    return write


def lines(*patterns: str, dirt: bool = True, padded: bool = False) -> Writer:
    def write(entries: Sequence[Entry], rng: random.Random) -> str:
        out = []
        for entry in entries:
            pattern = rng.choice(patterns)
            out.append(pattern.format(a=entry.url, u=entry.login, p=entry.secret))
            if dirt and rng.random() < 0.03:
                out.append(
                    rng.choice(
                        ("", "======", "@synthetic_channel", "join https://t.me/synthetic", "| Free logs |")
                    )
                )
        return "\n".join(out) + rng.choice(("\n", ""))

    return write


def _named(entries: Sequence[Entry], rng: random.Random) -> str:
    return "".join(
        f"{rng.choice(('jdoe', 'Mira_H', 'x.y'))}{n}:{e.login}:{e.secret}\n" for n, e in enumerate(entries)
    )


def _salted(entries: Sequence[Entry], rng: random.Random) -> str:
    return "".join(
        f"{e.login}:{e.secret}:{e.salt}\n" if e.salt else f"{e.login}:{e.secret}\n" for e in entries
    )


def _salt_first(entries: Sequence[Entry], rng: random.Random) -> str:
    return "".join(
        f"{e.login}:{e.salt}:{e.secret}\n" if e.salt else f"{e.login}:{e.secret}\n" for e in entries
    )


def table(
    delimiter: str,
    header: str,
    *,
    quote_all: bool = False,
    escape: bool = False,
    excel: bool = False,
) -> Writer:
    names = header.lstrip("!").split(",")

    def write(entries: Sequence[Entry], rng: random.Random) -> str:
        out = io.StringIO()
        writer = csv.writer(
            out,
            delimiter=delimiter,
            quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
            lineterminator="\n",
            escapechar="\\" if escape else None,
            doublequote=not escape,
        )
        if not header.startswith("!"):
            writer.writerow(names)
        for number, entry in enumerate(entries):
            writer.writerow([_cell(name, entry, number, rng) for name in names])
        text = out.getvalue()
        return f"sep={delimiter}\n{text}" if excel else text

    return write


def _cell(name: str, entry: Entry, number: int, rng: random.Random) -> str:
    folded = name.casefold().replace("_", "").replace(" ", "").replace("-", "")
    if folded in (
        "email",
        "emailaddress",
        "emailadresse",
        "почта",
        "login",
        "mail",
        "username!",
        "useremail",
    ):
        return entry.login
    if folded in ("password", "pass", "hash", "userpass", "passwordhash", "plaintext", "kennwort", "пароль"):
        return entry.secret
    if folded in ("url", "webseite", "сайт", "site", "loginuri", "targeturl"):
        return entry.url
    if folded == "salt":
        return entry.salt
    if folded == "username":
        return f"user{number}"
    if folded in ("createdat", "breachdate"):
        return "2022-02-02"
    if folded in ("notes", "note"):
        return rng.choice(("", "two\nlines", 'say "hi"', "a, b; c", "x@y.test"))
    return str(number)


def _naive(delimiter: str) -> Writer:
    def write(entries: Sequence[Entry], rng: random.Random) -> str:
        rows = (delimiter.join((str(i), e.login, e.secret, "2022-02-02")) for i, e in enumerate(entries))
        return delimiter.join(("id", "email", "password", "created_at")) + "\n" + "\n".join(rows) + "\n"

    return write


def _json_rows(entries: Sequence[Entry], rng: random.Random) -> list[dict[str, object]]:
    shapes: list[Callable[[Entry], dict[str, object]]] = [
        lambda e: {"email": e.login, "password": e.secret, "url": e.url, "breach_date": "2022-02-02"},
        lambda e: {"id": 1, "_source": {"email": [e.login], "password": [e.secret], "url": [e.url]}},
        lambda e: {
            "data": {"user": {"E-Mail": e.login}, "fields": {"pass": e.secret, "site": e.url}},
            "n": None,
        },
        lambda e: {
            "username": "x",
            "user_email": e.login,
            "plaintext": e.secret,
            "target_url": e.url,
            "tags": [],
        },
    ]
    return [rng.choice(shapes)(entry) for entry in entries]


def _json_lines(entries: Sequence[Entry], rng: random.Random) -> str:
    out = []
    for row in _json_rows(entries, rng):
        out.append(json.dumps(row, ensure_ascii=rng.random() < 0.5))
        if rng.random() < 0.02:
            out.append(rng.choice(('{"email": "cut@contoso.exam', '{"email": "x", }', "", "garbage")))
    return "\n".join(out) + "\n"


def _json_array(entries: Sequence[Entry], rng: random.Random) -> str:
    return json.dumps(_json_rows(entries, rng), indent=rng.choice((None, 2, 4)), ensure_ascii=False)


def _json_hits(entries: Sequence[Entry], rng: random.Random) -> str:
    return json.dumps(
        {"took": 3, "hits": {"total": 9, "hits": _json_rows(entries, rng)}}, indent=rng.choice((None, 1))
    )


def _json_keyed(entries: Sequence[Entry], rng: random.Random) -> str:
    secret = rng.choice((lambda e: e.secret, lambda e: {"password": e.secret, "id": 1}))
    return json.dumps({entry.login: secret(entry) for entry in entries}, indent=rng.choice((None, 1)))


def _mysql_text(text: str) -> str:
    for found, made in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(found, made)
    return f"'{text}'"


def _mysql(entries: Sequence[Entry], rng: random.Random) -> str:
    head = (
        "-- MySQL dump 10.13\nDROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (\n  `id` int(11) NOT NULL,\n"
        "  `username` varchar(50) DEFAULT 'a,b',\n  `email` varchar(100),\n  `pass` varchar(100),\n  `site` text,\n"
        "  PRIMARY KEY (`id`),\n  KEY `e` (`email`)\n) ENGINE=InnoDB;\nINSERT INTO `posts` VALUES (1,'hello');\n"
    )
    rows = [
        f"({i},'user{i}',{_mysql_text(e.login)},{_mysql_text(e.secret) if e.secret else 'NULL'},{_mysql_text(e.url)})"
        for i, e in enumerate(entries)
    ]
    size = rng.choice((1, 7, 1000))
    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    joint = rng.choice((",", ",\n"))
    return head + "".join(f"INSERT INTO `users` VALUES {joint.join(part)};\n" for part in parts)


def _sql_set(entries: Sequence[Entry], rng: random.Random) -> str:
    name = rng.choice(("`email`", "email"))
    return "".join(
        f"INSERT INTO users SET id={i}, {name} = {_mysql_text(e.login)},"
        f"pass={_mysql_text(e.secret) if e.secret else 'NULL'}, site={_mysql_text(e.url)};\n"
        for i, e in enumerate(entries)
    )


def _mssql(entries: Sequence[Entry], rng: random.Random) -> str:
    return "".join(
        "INSERT [dbo].[Users] ([Id], [Email], [Password]) "
        f"VALUES ({i}, N'{_doubled(e.login)}', N'{_doubled(e.secret)}')\nGO\n"
        for i, e in enumerate(entries)
    )


def _doubled(text: str) -> str:
    return text.replace("'", "''")


def _copy(entries: Sequence[Entry], rng: random.Random) -> str:
    def cell(text: str) -> str:
        for found, made in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
            text = text.replace(found, made)
        return text or "\\N"

    rows = "".join(f"{i}\t{cell(e.login)}\t{cell(e.secret)}\t{cell(e.url)}\n" for i, e in enumerate(entries))
    return (
        "-- PostgreSQL database dump\nSET standard_conforming_strings = on;\n"
        f"COPY public.users (id, email, password, url) FROM stdin;\n{rows}\\.\n\n"
        "COPY public.x (a) FROM stdin;\n1\n\\.\n"
    )


def _no_edge_for(separator: str) -> Callable[[Entry], bool]:
    """What a line with ``separator`` can carry: nothing that reads as another separator with blanks around."""

    def fits(entry: Entry) -> bool:
        if not entry.secret or not _one_line(entry):
            return False
        return separator != " " or not (entry.secret[:1] in ":;|,-" and entry.secret[1:2] in ("", " "))

    return fits


def _after(separator: str) -> Callable[[Entry], bool]:
    """The same for a site at the end, whose last part a password must not look like."""
    plain = _no_edge_for(separator)
    return lambda entry: plain(entry) and not (separator == " " and entry.secret[-1:] in ":;|,-")


def _before(separator: str) -> Callable[[Entry], bool]:
    def fits(entry: Entry) -> bool:
        secret = entry.secret
        bad = "@" in secret or "://" in secret or not secret.strip(":;|\t ,")
        return (
            _one_line(entry)
            and not bad
            and not (separator == " " and (" " in secret or secret[-1:] in ":;|,-"))
        )

    return fits


def _real(entry: Entry) -> bool:
    return bool(entry.secret) and _one_line(entry)


def _excel(entry: Entry) -> bool:
    return _real(entry) and not entry.secret.startswith(("'=", "'+", "'-", "'@", "'\t", '="'))


_NAMED: Final = {":": "colon", ";": "semicolon", "|": "bar", "\t": "tab", " ": "blank", ",": "comma"}
_STEALERS: Final = {
    "redline": "URL: {a}\nUsername: {u}\nPassword: {p}\nApplication: {n}\n===============\n",
    "raccoon1": "browser: {n}\nprofile: Default\nurl: {a}\nlogin: {u}\npassword: {p}\n\n",
    "raccoon2": "URL:{a}\nUSR:{u}\nPASS:{p}\n\n",
    "vidar": "Soft: {n}\nHost: {a}\nLogin: {u}\nPassword: {p}\n\n\n",
    "lumma": "SOFT: {n}\nURL: {a}\nUSER: {u}\nPASS: {p}\n\n",
    "stealc": "browser: {n}\nprofile: Default\nurl: {a}\nlogin: {u}\npassword: {p}\n\n",
    "risepro": "Storage: {n}\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n",
    "aurora": "Browser: {n}\nURL: {a}\nLogin: {u}\nPassword: {p}\n-------------------\n",
    "mystic": "Application: {n}\nHostname: {a}\nLogin: {u}\nPass: {p}\n\n",
    "cryptbot": "Browser: {n}\nUrl: {a}\nUsername: {u}\nPassword: {p}\n\n",
    "rhadamanthys": "URL: {a}\nUsername: {u}\nPassword: {p}\n\n",
    "leet": "UR1: {a}\nU53RN4M3: {u}\nP455W0RD: {p}\n\n",
    "logins": "USER LOGIN: {u}\nUSER PASSWORD: {p}\nHOSTNAME: {a}\n\n",
    "dashed": "- URL: {a}\n- Username: {u}\n- Password: {p}\n***\n",
    "inner-blank": "Soft: {n}\n\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n\n\n",
    "no-separator": "URL: {a}\nLogin: {u}\nPassword: {p}\n",
    "quoted-browser": '["Chrome" = "Default"]\nURL: {a}\nLogin: {u}\nPassword: {p}\n\n',
    "indented": "\tURL: {a}\n\tLogin: {u}\n\tPassword: {p}\n\n",
    "url-last": "Login: {u}\nPassword: {p}\nURL: {a}\nSoft: {n}\n=====================\n",
    "equals": "URL = {a}\nLogin = {u}\nPassword = {p}\n\n",
    "equals-close": "URL={a}\nLogin={u}\nPassword={p}\n\n",
    "arrow": "Host -> {a}\nUser -> {u}\nPass -> {p}\n---\n",
    "tabbed": "URL\t{a}\nLogin\t{u}\nPassword\t{p}\n\n",
    "capitals": "URL: {a}\nUSERNAME: {u}\nPASSWORD: {p}\n\n",
    "russian": "Сайт: {a}\nЛогин: {u}\nПароль: {p}\n\n",
    "german": "Webseite: {a}\nBenutzername: {u}\nPasswort: {p}\n\n",
    "portuguese": "Site: {a}\nUsuário: {u}\nSenha: {p}\n\n",
    "french": "Lien: {a}\nIdentifiant: {u}\nMot de passe: {p}\n\n",
    "chinese": "网址：{a}\n用户名：{u}\n密码：{p}\n\n",
    "joined-words": "Origin_URL: {a}\nUser-Name: {u}\nPass_Word: {p}\n\n",
    "bullets": "• Soft: {n}\n• URL: {a}\n• E-mail: {u}\n• Pwd: {p}\n\n",
    "signs": "[+] Target: {a}\n[+] Login: {u}\n[+] Password: {p}\n\n",
    "drawn-box": "┌────\n│ URL: {a}\n│ Username: {u}\n│ Password: {p}\n└────\n",
    "quoted": 'URL: "{a}"\nUsername: "{u}"\nPassword: "{p}"\n\n',
    "one-line": "URL: {a} | Username: {u} | Password: {p}\n",
    "next-line": "URL:\n{a}\nUsername:\n{u}\nPassword:\n{p}\n\n",
    "many-keys": (
        "==================================================\nURL               : {a}\nWeb Browser       : {n}\n"
        "User Name         : {u}\nPassword          : {p}\nPassword Strength : Strong\n"
        "User Name Field   : login\nPassword Field    : pass\nCreated Time      : 1/2/2023 10:00:00 AM\n"
        "Filename          : C:\\Users\\x\\Login Data\n==================================================\n\n"
    ),
    "password-before-login": "URL: {a}\nPassword: {p}\nLogin: {u}\n---\n",
}


def _stealer(name: str, pattern: str) -> Dialect:
    write = blocks(pattern, banner=name in ("redline", "vidar", "leet"), drop=0.1)
    return Dialect(f"stealer/{name}", write, _one_line, "Passwords.txt", without=0.05)


def _line_dialects() -> list[Dialect]:
    made = []
    for s, name in _NAMED.items():
        fits = _no_edge_for(s)
        made += [
            Dialect(f"ulp/{name}", lines(f"{{a}}{s}{{u}}{s}{{p}}"), fits),
            Dialect(f"ulp/{name}-bare", lines(f"{{a}}{s}{{u}}{s}{{p}}"), fits, bare_urls=True),
            Dialect(f"ulp/{name}-url-last", lines(f"{{u}}{s}{{p}}{s}{{a}}"), _after(s)),
            Dialect(f"ulp/{name}-bare-last", lines(f"{{u}}{s}{{p}}{s}{{a}}"), _after(s), bare_urls=True),
            Dialect(f"combo/{name}", lines(f"{{u}}{s}{{p}}"), fits, urls=False, needs_login=True),
            Dialect(f"combo/{name}-first", lines(f"{{p}}{s}{{u}}"), _before(s), urls=False, needs_login=True),
        ]
    return made


DIALECTS: Final[tuple[Dialect, ...]] = (
    *(_stealer(name, pattern) for name, pattern in _STEALERS.items()),
    *_line_dialects(),
    Dialect("ulp/padded", lines("{a} | {u} | {p}"), lambda e: _real(e) and e.secret == e.secret.strip()),
    Dialect("ulp/mixed", lines("{a}:{u}:{p}", "{a}|{u}|{p}", "{u}:{p}:{a}", "{a};{u};{p}", "{a} {u}:{p}"), _after(":")),
    Dialect("ulp/comma-and-blank", lines("{a}, {u}, {p}"), lambda e: _real(e) and e.secret == e.secret.strip()),
    *(
        Dialect(f"combo/joined-{name}", lines(pattern), _real, urls=False, needs_login=True)
        for name, pattern in (
            ("twice", "{u}::{p}"), ("tilde", "{u}~{p}"), ("arrow", "{u} => {p}"), ("angled", "<{u}>:{p}"),
            ("slash", "{u}/{p}"),
        )
    ),
    Dialect("combo/named", _named, _real, urls=False, needs_login=True),
    Dialect("combo/hashes", lines("{u}:{p}"), _real, urls=False, needs_login=True, hashed=0.97),
    Dialect("combo/some-hashes", lines("{u}:{p}"), _real, urls=False, needs_login=True, hashed=0.05),
    Dialect("combo/salted", _salted, _real, urls=False, needs_login=True, hashed=1.0),
    Dialect("combo/salt-first", _salt_first, _real, urls=False, needs_login=True, hashed=1.0),
    Dialect("csv/comma", table(",", "id,Email,Username,Password,notes"), _excel, "t.csv", urls=False, needs_login=True),
    Dialect("csv/semicolon", table(";", "email_address,user_pass,url"), _excel, "t.csv"),
    Dialect("csv/german", table(";", "Nr,E-Mail-Adresse,Kennwort,Webseite"), _excel, "t.csv"),
    Dialect("csv/russian", table(",", "Почта,Пароль,Сайт"), _excel, "t.csv"),
    Dialect("csv/tab", table("\t", "E-Mail,created_at,password,site"), _excel, "t.tsv"),
    Dialect("csv/bar", table("|", "login,password_hash,salt"), _excel, "t.txt", urls=False, needs_login=True,
            hashed=1.0),
    Dialect("csv/browser", table(",", "name,url,email,password,note", quote_all=True), _excel, "t.csv"),
    Dialect("csv/escaped", table(",", "id,email,password,url", quote_all=True, escape=True), _excel, "t.csv"),
    Dialect("csv/stated", table(";", "email,password", excel=True), _excel, "t.csv", urls=False, needs_login=True),
    Dialect("csv/nameless", table(",", "!id,email,password,created_at", quote_all=True), _excel, "t.csv",
            urls=False, needs_login=True),
    Dialect("csv/nameless-plain", table(",", "!id,email,password,created_at"), _excel, "t.csv", urls=False,
            needs_login=True),
    Dialect("csv/naive", _naive(","), lambda e: _excel(e) and '"' not in e.secret, "t.csv", urls=False,
            needs_login=True),
    Dialect("json/lines", _json_lines, bool, "t.jsonl"),
    Dialect("json/array", _json_array, bool, "t.json"),
    Dialect("json/keyed", _json_keyed, bool, "t.json", urls=False, needs_login=True),
    Dialect("json/hits", _json_hits, bool, "t.json"),
    Dialect("sql/mysql", _mysql, bool, "t.sql", without=0.05),
    Dialect("sql/set", _sql_set, bool, "t.sql", without=0.05),
    Dialect("sql/mssql", _mssql, lambda e: bool(e.secret), "t.sql", urls=False, needs_login=True),
    Dialect("sql/copy", _copy, bool, "t.sql", without=0.05),
)  # fmt: skip
