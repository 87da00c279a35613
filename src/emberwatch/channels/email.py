"""Mail over SMTP, by the standard library."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Mapping
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Final

from emberwatch.channels import checks
from emberwatch.channels.base import (
    ChannelBusy,
    ChannelError,
    ChannelRefused,
    Field,
    FieldKind,
    Item,
    Kind,
    Message,
    Receipt,
    Secrets,
    Settings,
    moment,
)
from emberwatch.channels.exchange import said, unreachable
from emberwatch.channels.network import REFUSED_CONNECTIONS, Network
from emberwatch.channels.wording import footer, one_line, text_of
from emberwatch.core.secret import Secret

TLS: Final = "tls"
STARTTLS: Final = "starttls"
PLAIN: Final = "none"


class GuardedSmtp(smtplib.SMTP):
    """Connects through the guard, and speaks TLS from the first byte where that is wanted."""

    def __init__(self, network: Network, host: str, port: int, *, tls: bool) -> None:
        self._network = network
        self._tls = tls
        super().__init__(host, port, timeout=network.seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        connected = self._network.connect(host, port)
        return self._network.tls().wrap_socket(connected, server_hostname=host) if self._tls else connected


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    host, password = settings["host"], secrets.get("password")
    try:
        with _opened(network, host, settings) as server:
            if settings["username"] and password is not None:
                server.login(settings["username"], password.expose())
            refused = server.send_message(_mail(message, settings))
    except (smtplib.SMTPException, OSError, *REFUSED_CONNECTIONS) as error:
        raise _told(host, error, password) from None
    return Receipt(_message_id(message, settings), _partly(refused))


def _opened(network: Network, host: str, settings: Settings) -> GuardedSmtp:
    security = settings["security"]
    server = GuardedSmtp(network, host, int(settings["port"]), tls=security == TLS)
    try:
        if security == STARTTLS:
            server.starttls(context=network.tls())
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _mail(message: Message, settings: Settings) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = one_line(f"[Emberwatch] {message.title}", 200)
    mail["From"] = settings["sender"]
    mail["To"] = ", ".join(settings["recipients"].split("\n"))
    mail["Date"] = format_datetime(moment(message.created_at).astimezone(UTC))
    mail["Message-ID"] = _message_id(message, settings)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Emberwatch-Delivery"] = message.id
    mail.set_content(text_of(message))
    mail.add_alternative(_html(message), subtype="html")
    return mail


def _message_id(message: Message, settings: Settings) -> str:
    """The same whenever it is sent again, so that a mail system can drop the second one."""
    return f"<{message.id}@{settings['sender'].rpartition('@')[2]}>"


def _html(message: Message) -> str:
    items = "".join(_html_item(item) for item in message.items)
    more = f"<p>And {message.more:,} more.</p>" if message.more else ""
    link = f'<p><a href="{escape(message.link)}">All of it in Emberwatch</a></p>' if message.link else ""
    return (
        '<!doctype html><html lang="en"><body style="font-family:sans-serif;color:#1f2937">'
        f'<h1 style="font-size:18px">{escape(message.title)}</h1>{items}{more}{link}'
        f'<p style="color:#6b7280;font-size:12px">{escape(footer(message))}</p></body></html>'
    )


def _html_item(item: Item) -> str:
    rows = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;color:#6b7280;vertical-align:top">{escape(label)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for label, value in item.facts
    )
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in item.reasons)
    links = " · ".join(
        f'<a href="{escape(address)}">{label}</a>'
        for address, label in ((item.link, "In Emberwatch"), (item.account_link, "In the Entra admin center"))
        if address
    )
    return (
        f'<h2 style="font-size:15px;margin-bottom:4px">{escape(item.title)}</h2><table>{rows}</table>'
        + (f"<ul>{reasons}</ul>" if reasons else "")
        + (f"<p>{links}</p>" if links else "")
    )


def _partly(refused: Mapping[str, tuple[int, bytes]]) -> str:
    """Some were taken, or it would have been an error: a second mail to those helps nobody."""
    if not refused:
        return ""
    return f"Not taken for {', '.join(sorted(refused))}."[:500]


def _told(host: str, error: Exception, password: Secret | None) -> ChannelError:
    """What a mail server's refusal means: 5xx is for good, anything else may pass."""
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return ChannelRefused(f"{host} does not accept the user name and password.")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ChannelRefused(
            f"{host} does not offer what the settings ask for: STARTTLS, or signing in.",
            remedy="Choose another way of encryption, or leave the user name out.",
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return _by_code(host, code, words, password)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(host, error.smtp_code, error.smtp_error, password)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return ChannelBusy(f"{host} ended the connection.")
    if isinstance(error, TimeoutError):
        return ChannelBusy(f"{host} did not answer in time.")
    return unreachable(host, error)


def _by_code(host: str, code: int, words: bytes | str, password: Secret | None) -> ChannelError:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    told = said(text, [password] if password is not None else [])
    sentence = f"{host} answers {code}. It says: {told}" if told else f"{host} answers {code}."
    return ChannelRefused(sentence) if code >= 500 else ChannelBusy(sentence)


KIND: Final = Kind(
    name="email",
    label="Email",
    deliver=deliver,
    fields=(
        Field("host", "Mail server", hint="Such as smtp.example.org.", check=checks.host, leads=True),
        Field("port", "Port", default="587", check=checks.port, leads=True),
        Field(
            "security",
            "Encryption",
            FieldKind.CHOICE,
            default=STARTTLS,
            choices=(
                (STARTTLS, "STARTTLS (usually port 587)"),
                (TLS, "TLS from the start (usually port 465)"),
                (PLAIN, "None (only inside your own network)"),
            ),
            leads=True,
        ),
        Field("sender", "From", hint="The address that mails come from.", check=checks.mail_address),
        Field("recipients", "To", FieldKind.LINES, hint="One address a line.", check=checks.mail_addresses),
        Field("username", "User name", required=False, hint="Empty when the server asks for none."),
        Field("password", "Password", FieldKind.SECRET, required=False),
    ),
)
