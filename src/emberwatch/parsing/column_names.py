"""Which names columns have in leaked tables, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.columns import Column, Role

_NAMES: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.LOGIN: (
        "email", "mail", "emailaddress", "useremail", "usermail", "loginemail", "emails", "mailaddress",
        "primaryemail", "upn", "userprincipalname", "identityname", "principal", "customeremail", "emailadresse",
        "correo", "correoelectrónico", "correoelectronico", "endereçodeemail", "adresseemail", "courriel", "почта",
        "электроннаяпочта", "邮箱", "电子邮件", "电子邮箱", "メールアドレス", "이메일",
    ),
    Role.USER_NAME: (
        "login", "userlogin", "loginname", "username", "user", "account", "accountname", "uname", "nickname",
        "emailusername", "useraccount", "logon", "usernames", "benutzername", "benutzer", "nutzername", "anmeldename",
        "usuario", "nombredeusuario", "usuário", "nomedeusuário", "identifiant", "utilisateur", "nomutente", "utente",
        "kullanıcıadı", "kullanıcı", "użytkownik", "nazwaużytkownika", "gebruikersnaam", "логин", "пользователь",
        "имяпользователя", "логін", "用户名", "账号", "帐号", "ユーザー名", "아이디",
    ),
    Role.PASSWORD: (
        "passwordplaintext", "plaintextpassword", "plaintext", "cleartext", "cleartextpassword", "plain", "cracked",
        "decrypted", "password", "pass", "passwd", "pwd", "userpass", "userpassword", "userpasswd", "passw",
        "passwords", "memberspass", "secret", "passwordclear", "plainpassword", "loginpassword", "pw",
        "passwort", "kennwort", "contraseña", "contrasena", "clave", "senha", "motdepasse", "mdp",
        "şifre", "sifre", "parola", "hasło", "haslo", "wachtwoord", "пароль", "密码", "密碼", "口令",
        "パスワード", "비밀번호",
    ),
    Role.HASH: (
        "hash", "passwordhash", "hashedpassword", "passhash", "pwhash", "digest", "encryptedpassword",
        "passworddigest", "memberspasshash", "pwdhash", "passwdhash", "hashes", "passwordencrypted", "passwordmd5",
        "md5", "sha1", "sha256", "bcrypt", "ntlm", "nthash", "userpasshash", "userpasswordhash",
    ),
    Role.SALT: ("salt", "memberspasssalt", "passwordsalt", "passsalt", "passwdsalt", "hashsalt", "pwsalt"),
    Role.URL: (
        "url", "uri", "targeturl", "loginuri", "loginurl", "website", "site", "origin", "originurl", "link",
        "urls", "webaddress", "host", "hostname", "targetdomain", "domain", "webseite",
        "sitio", "sitioweb", "página", "sito", "strona", "сайт", "ссылка", "адрес", "网址", "网站", "サイト",
    ),
    Role.SOURCE: ("breach", "breachname", "source", "sourcename", "databasename", "database", "dump", "leak", "title"),
    Role.DATE: (
        "infectedtime", "infectedat", "dateinfected", "datecompromised", "compromisedat", "breachdate",
        "breachedat", "leakdate", "leakedat", "date", "lastseen", "createdat", "created", "regdate", "registered",
        "importedat", "updatedat", "timestamp",
    ),
}  # fmt: skip

_RANKED: Final[Mapping[str, tuple[Role, int]]] = {
    name: (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names)
}
_SPACING: Final = lazy(r"[\s_.\-]+")
_ONE_IS_ENOUGH: Final = (Role.URL, Role.SOURCE, Role.DATE)
_VAGUE_WITH_URL: Final = frozenset({"title"})


def role_and_rank(name: str) -> tuple[Role, int]:
    """What a column of that name holds, and how good a name it is for that: 0 is best."""
    folded = _SPACING.sub("", name.strip().strip("\"'`[]")).casefold()
    return _RANKED.get(folded, (Role.IGNORED, 0))


def name_rank(name: str, role: Role) -> int:
    """How good a name ``name`` is for ``role``: 0 is best; a name that tells nothing comes last."""
    known, rank = role_and_rank(_leaf(name))
    return rank if known is role else len(_RANKED)


def named_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """Columns by their names alone; of several for one site, breach or date the best keeps its role."""
    columns = [Column(name, role_and_rank(_leaf(name))[0]) for name in names]
    for role in _ONE_IS_ENOUGH:
        _keep_best(columns, role)
    if any(c.role is Role.URL for c in columns):
        columns = [
            replace(c, role=Role.IGNORED) if _leaf(c.name).casefold() in _VAGUE_WITH_URL else c
            for c in columns
        ]
    if not any(c.role is Role.LOGIN for c in columns):
        columns = [replace(c, role=Role.LOGIN) if c.role is Role.USER_NAME else c for c in columns]
    return tuple(columns)


def _leaf(name: str) -> str:
    return name.rpartition(".")[2] or name


def _keep_best(columns: list[Column], role: Role) -> None:
    ranks = [role_and_rank(_leaf(c.name))[1] for c in columns if c.role is role]
    kept = False
    for at, column in enumerate(columns):
        if column.role is not role:
            continue
        if kept or role_and_rank(_leaf(column.name))[1] > min(ranks):
            columns[at] = replace(column, role=Role.IGNORED)
        else:
            kept = True
