"""Mail through a real mail server: plain, with STARTTLS and with TLS, signed in and refused."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import Envelope

from emberwatch.channels.base import ChannelBusy, ChannelError, ChannelRefused
from emberwatch.channels.network import Network
from emberwatch.http.deadline import Deadline
from tests.contract.channels.conftest import SECRET_WORDS, Set, item, message, set_up
from tests.receivers import HERE, Authority, SmtpReceiver


@pytest.fixture
def server() -> Iterator[SmtpReceiver]:
    found = SmtpReceiver()
    yield found
    found.stop()


def channel(server: SmtpReceiver, security: str = "none", **more: str) -> Set:
    secrets = {"password": more.pop("password")} if "password" in more else {}
    settings = {
        "host": HERE,
        "port": str(server.port),
        "security": security,
        "sender": "emberwatch@example.org",
        "recipients": "soc@contoso.example, ciso@contoso.example",
    }
    return set_up("email", settings | more, secrets)


def read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_mail_arrives_as_text_and_page(server: SmtpReceiver, network: Network) -> None:
    channel(server).deliver(message(), network)
    [envelope] = server.mails
    mail = read(envelope)
    assert envelope.rcpt_tos == ["soc@contoso.example", "ciso@contoso.example"]
    assert mail["Subject"] == "[Emberwatch] Active: ann@contoso.example (Contoso)"
    assert mail["Auto-Submitted"] == "auto-generated"
    for form in ("plain", "html"):
        body = mail.get_body((form,))
        assert body is not None
        assert "no second factor is registered" in body.get_content()


def test_a_name_cannot_write_headers_or_markup(server: SmtpReceiver, network: Network) -> None:
    hostile = "Active: <img src=x>\r\nBcc: thief@evil.example"
    channel(server).deliver(message(item(title=hostile), title=hostile), network)
    [envelope] = server.mails
    mail = read(envelope)
    assert mail["Bcc"] is None
    html = mail.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()


def test_a_second_try_bears_the_same_message_id(server: SmtpReceiver, network: Network) -> None:
    for _ in range(2):
        channel(server).deliver(message(), network)
    ids = {read(each)["Message-ID"] for each in server.mails}
    assert len(server.mails) == 2
    assert len(ids) == 1


# The server does not count TLS from the first byte as TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_signed_in(security: str, authority: Authority, network: Network) -> None:
    server = SmtpReceiver(password=SECRET_WORDS, tls=authority.server, implicit=security == "tls")
    try:
        channel(server, security, username="bot", password=SECRET_WORDS).deliver(message(), network)
        assert len(server.mails) == 1
        with pytest.raises(ChannelRefused, match="does not accept the user name and password"):
            channel(server, security, username="bot", password="another one").deliver(message(), network)
    finally:
        server.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(authority: Authority, network: Network) -> None:
    server = SmtpReceiver(tls=authority.server)
    try:
        channel(server, "starttls").deliver(message(), network)
        with pytest.raises(ChannelRefused, match="is not trusted"):
            channel(server, "starttls").deliver(message(), replace(network, ca_file=None))
    finally:
        server.stop()


def test_a_server_without_starttls_is_never_written_to_in_the_clear(
    server: SmtpReceiver, network: Network
) -> None:
    with pytest.raises(ChannelRefused, match="STARTTLS"):
        channel(server, "starttls").deliver(message(), network)
    assert server.mails == []


def test_four_hundred_is_tried_again_and_five_hundred_not(server: SmtpReceiver, network: Network) -> None:
    server.refusal = "451 come back later"
    with pytest.raises(ChannelBusy, match="451"):
        channel(server).deliver(message(), network)
    server.refusal = "550 no such mailbox"
    with pytest.raises(ChannelRefused, match="no such mailbox"):
        channel(server).deliver(message(), network)


def test_those_who_are_refused_do_not_keep_it_from_the_others(server: SmtpReceiver, network: Network) -> None:
    server.refused_recipients = {"ciso@contoso.example": "550 unknown"}
    receipt = channel(server).deliver(message(), network)
    assert [each.rcpt_tos for each in server.mails] == [["soc@contoso.example"]]
    assert receipt.sentence == "Not taken for ciso@contoso.example."


def test_a_private_mail_server_is_refused(server: SmtpReceiver, strict: Network, network: Network) -> None:
    with pytest.raises(ChannelRefused, match="private address"):
        channel(server).deliver(message(), strict)
    assert server.mails == []
    channel(server).deliver(message(), network)
    assert len(server.mails) == 1


def test_a_server_that_is_not_there_is_tried_again(server: SmtpReceiver, network: Network) -> None:
    found = channel(server, port="1")
    with pytest.raises(ChannelBusy, match="could not be reached"):
        found.deliver(message(), network)


def test_a_server_that_drips_is_ended_as_a_whole(network: Network) -> None:
    with socket.create_server((HERE, 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with suppress(OSError), connection:
                while True:
                    connection.sendall(b"2")
                    time.sleep(0.02)

        threading.Thread(target=drip, daemon=True).start()
        settings = {
            "host": HERE,
            "port": str(listening.getsockname()[1]),
            "security": "none",
            "sender": "emberwatch@example.org",
            "recipients": "soc@contoso.example",
        }
        with Deadline(0.3) as deadline, pytest.raises(ChannelError):
            set_up("email", settings).deliver(message(), replace(network, deadline=deadline))
        assert deadline.is_over
