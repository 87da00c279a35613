"""The keys that stealer logs use for their fields; families copy each other, so one table serves them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.decoding import decode


# Of strings: the hash of another enumeration is worked out anew each time that it is looked up by.
class Field(StrEnum):
    SOFTWARE = auto()
    PROFILE = auto()
    URL = auto()
    SITE = auto()
    """Stands for the url where there is none."""
    LOGIN = auto()
    PASSWORD = auto()


_SPELLINGS: Final[Mapping[Field, tuple[str, ...]]] = {
    Field.SOFTWARE: (
        "soft", "software", "browser", "application", "app", "storage", "web browser", "browser name",
        "program", "client",
        "браузер", "программа", "приложение", "navegador", "navigateur", "tarayıcı", "przeglądarka",
        "浏览器",
    ),
    Field.PROFILE: ("profile", "профиль", "profil", "perfil"),
    Field.URL: (
        "url", "host", "hostname", "ur1", "site", "link", "server", "website", "web site", "website url",
        "site url",
        "login url", "origin", "origin url", "target url", "page", "page url", "host name", "webseite",
        "seite", "sitio",
        "sitio web", "página", "pagina", "enlace", "lien", "sito", "sito web", "strona", "situs",
        "trang web", "сайт",
        "ссылка", "хост", "урл", "url адрес", "url адреса", "网址", "网站", "链接", "網址", "網站",
        "サイト", "사이트",
    ),
    Field.SITE: (
        "domain", "domaine", "dominio", "target", "resource", "address", "adresse", "action url", "адрес", "домен",
    ),
    Field.LOGIN: (
        "username", "user name", "login", "user", "user login", "u53rn4m3", "usr", "email", "e mail",
        "email address",
        "mail", "login name", "user id", "userid", "account", "benutzername", "benutzer", "nutzername",
        "anmeldename",
        "usuario", "nombre de usuario", "correo", "correo electrónico", "usuário", "nome de usuário",
        "utilizador",
        "identifiant", "utilisateur", "nom d'utilisateur", "nome utente", "utente", "kullanıcı adı",
        "kullanıcı",
        "kullanici adi", "kullanici", "użytkownik", "nazwa użytkownika", "uzytkownik", "nama pengguna",
        "pengguna",
        "gebruikersnaam", "gebruiker", "tên đăng nhập", "tài khoản", "логин", "пользователь",
        "имя пользователя", "почта",
        "логін", "користувач", "用户名", "用户", "账号", "帐号", "账户", "帳號", "使用者名稱", "ユーザー名",
        "ログイン",
        "사용자", "아이디",
    ),
    Field.PASSWORD: (
        "password", "pass", "user password", "p455w0rd", "passwd", "pwd", "pw", "pass word", "passwort",
        "kennwort",
        "contraseña", "contrasena", "clave", "senha", "palavra passe", "mot de passe", "mdp", "şifre",
        "sifre", "parola",
        "hasło", "haslo", "kata sandi", "wachtwoord", "mật khẩu", "пароль", "密码", "密碼", "口令",
        "パスワード", "비밀번호",
        "암호",
    ),
}  # fmt: skip


def _misread(spelling: str) -> str:
    """A Cyrillic spelling in Windows-1251, as it is read where every line is UTF-8 or Windows-1252."""
    try:
        return decode(spelling.encode("cp1251"))[0].casefold()
    except UnicodeEncodeError:
        return spelling


def spellings_of(key: str) -> Iterator[str]:
    """A key as written here, and as it is read where it was written in another encoding."""
    yield key
    # In capitals too: read so, they are other letters, which no folding brings together.
    yield from map(_misread, (key, key.capitalize(), key.upper()))


KEYS: Final[Mapping[str, Field]] = {
    form: field
    for field, spellings in _SPELLINGS.items()
    for spelling in spellings
    for form in spellings_of(spelling)
}

OTHER_KEYS: Final = frozenset(
    {
        "build", "channel", "comment", "country", "created", "created at", "created time", "creation time", "date",
        "date created", "date last used", "file", "file name", "filename", "form", "form url", "free logs", "from",
        "http realm", "hwid", "id", "ip", "last used", "log tools", "modified time", "note", "notes", "os",
        "password field", "password strength", "path", "seller", "source", "telegram", "time", "times used", "title",
        "type", "user name field", "username field", "version", "website name",
    }
)  # fmt: skip
"""Of lines that stand in blocks as well and hold nothing that is read here."""

_LONGEST_KEY: Final = 32
_OTHER_JOINT: Final = lazy(r"([^:\uff1a=>\t]{1,32}?)[ \t]*(?:[:\uff1a]|=>?|->|\t)(?!//)")
_FIRST_KEY: Final = lazy(r"([^:]{1,32}):")
_INNER_KEY: Final = lazy(r"(\s*[|,;]\s*|\t+| {2,})([^\W\d_][\w '-]{0,30}?)\s*:")
_ORNAMENT: Final = lazy(r"^(?:[^\w]+|_+)|\s+$")
_BROWSER_LINE: Final = lazy(r'\s*\["(?P<browser>[^"]*)"\s*=\s*"(?P<profile>[^"]*)"\]\s*')


def key_and_value(text: str) -> tuple[str, Field, str] | None:
    """The key as spelled (folded), its field, and everything after the colon, or what stands for one."""
    key, colon, _ = text[:_LONGEST_KEY].partition(":")
    known = _known(key) if colon else None
    if known is not None:
        return (*known, text[len(key) + 1 :])
    found = _OTHER_JOINT.match(text)
    known = _known(found[1]) if found is not None else None
    return (*known, text[found.end() :]) if found is not None and known is not None else None


def fields_in_line(text: str) -> list[tuple[str, Field, str]]:
    """``URL: … | Username: … | Password: …``: a whole block on one line, whose parts the same sign parts."""
    first = _FIRST_KEY.match(text)
    known = _known(first[1]) if first is not None else None
    if first is None or known is None:
        return []
    cuts, joint = [(known, first.end(), 0)], ""
    for found in _INNER_KEY.finditer(text, first.end()):
        known = _known(found[2])
        if known is not None and found[1] == (joint or found[1]):
            joint = found[1]
            cuts.append((known, found.end(), found.start()))
    ends = [begin for _, _, begin in cuts[1:]] + [len(text)]
    fields = [(*known, text[begin:end]) for (known, begin, _), end in zip(cuts, ends, strict=True)]
    return fields if {Field.LOGIN, Field.PASSWORD} <= {field for _, field, _ in fields} else []


# A file repeats its few keys as often as it has entries.
@lru_cache(maxsize=1024)
def _known(key: str) -> tuple[str, Field] | None:
    spelled = _folded(key)
    field = KEYS.get(spelled)
    return (spelled, field) if field else None


def has_other_key(text: str) -> bool:
    """Whether a line belongs to a block by a key that is of no interest."""
    key, colon, _ = text[:_LONGEST_KEY].partition(":")
    return bool(colon) and _folded(key) in OTHER_KEYS


def _folded(key: str) -> str:
    plain = _ORNAMENT.sub("", key).replace("_", " ").replace("-", " ")
    return " ".join(plain.split()).casefold()


def browser_line(text: str) -> str | None:
    """``["Chrome" = "Default"]`` as ``Chrome [Default]``."""
    found = _BROWSER_LINE.fullmatch(text) if '["' in text else None
    return f"{found['browser']} [{found['profile']}]" if found else None
