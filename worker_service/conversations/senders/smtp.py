"""Replies by mail: in their thread, marked as automatic, with the same Message-ID at each attempt.

A copy after a crash therefore looks like one to whoever receives it.
"""

import asyncio
import re
import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from core.channels import Channel, Secret
from core.channels.config import SmtpSecurity
from core.channels.threads import reply_address, subject_tag
from core.errors import JobError
from core.matching import IdentityKind, Unmatchable, canonical
from worker_service.conversations.senders.letter import Letter

SECONDS = 20.0
_PORTS = {SmtpSecurity.TLS: 465, SmtpSecurity.STARTTLS: 587, SmtpSecurity.NONE: 25}
_PERMANENT = range(500, 600)
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,400}@[!-;=?-~]{1,400}")


class Smtp:
    """Sends through the mail server of a channel account."""

    async def send(self, letter: Letter) -> str | None:
        """The Message-ID. Raises JobError."""
        mail = compose(letter)
        try:
            await asyncio.to_thread(_send, letter.channel, mail, letter.recipient)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _refusal(min(codes, default=0)) from error
        except smtplib.SMTPAuthenticationError as error:
            raise JobError("channel_credentials", "The mail server refused our credentials.") from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise JobError(
                "channel_unreachable", "The mail server did not answer.", retryable=True
            ) from error
        return str(mail["Message-ID"])


def compose(letter: Letter) -> EmailMessage:
    """The mail, to one address. What a client of the API says of a mail may be anything. Raises JobError."""
    about, mailbox = letter.answered.metadata, str(letter.channel.config.mailbox)
    mail = EmailMessage()
    mail["From"] = mailbox
    mail["To"] = _address(letter.recipient)
    mail["Subject"] = _subject(about.get("subject"), letter.thread)
    if letter.thread is not None and (address := reply_address(letter.channel, letter.thread)):
        mail["Reply-To"] = address
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{letter.id}@{mailbox.rpartition('@')[2]}>"
    if _MESSAGE_ID.fullmatch(answered := str(about.get("message_id")).strip("<> ")):
        mail["In-Reply-To"] = mail["References"] = f"<{answered}>"
    if not letter.by_person:
        mail["Auto-Submitted"] = "auto-replied"
    mail.set_content(letter.text)
    return mail


def _address(recipient: str) -> Address:
    """One address and nothing else: a list or a group would send to people of the sender's choice."""
    try:
        canonical(IdentityKind.EMAIL, recipient)
        local, _, domain = recipient.strip().rpartition("@")
        return Address(username=local, domain=domain)
    except (Unmatchable, ValueError) as error:
        raise JobError("channel_refused", "Whom to answer is no e-mail address.") from error


def _subject(asked: object, thread: int | None) -> str:
    """The client's own, with the tag of the thread: what mail programs that drop headers keep."""
    subject = " ".join(str(asked or "Sua mensagem").split())[:200]
    tag = "" if thread is None or subject_tag(thread) in subject else f" {subject_tag(thread)}"
    return (subject if subject.lower().startswith("re:") else f"Re: {subject}") + tag


def _send(channel: Channel, mail: EmailMessage, recipient: str) -> None:
    config = channel.config
    security = config.smtp_security or SmtpSecurity.STARTTLS
    port = config.smtp_port or _PORTS[security]
    context = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(str(config.smtp_host), port, timeout=SECONDS, context=context)
        if security is SmtpSecurity.TLS
        else smtplib.SMTP(str(config.smtp_host), port, timeout=SECONDS)
    )
    try:
        if security is SmtpSecurity.STARTTLS:
            server.starttls(context=context)
        if config.smtp_user and (password := channel.secrets.get(Secret.SMTP_PASSWORD)):
            server.login(config.smtp_user, password)
        server.send_message(mail, to_addrs=[recipient])
    finally:
        with suppress(smtplib.SMTPException, OSError):  # the mail was taken: a rude goodbye changes nothing
            server.quit()


def _refusal(code: int) -> JobError:
    if code in _PERMANENT:
        return JobError("channel_refused", f"The mail server refused the message ({code}).")
    return JobError("channel_unavailable", f"The mail server cannot take it now ({code}).", retryable=True)
