"""Answers that come by mail: to the signed address of a notification, from whom it was sent to.

Each mail is taken or refused once, known by its Message-ID (InboundMail); brought a second time it changes nothing. Nothing
here sends mail to an address that a mail merely claims: who is told why their answer was refused is the account that the
signed address belongs to, once a day.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
from collections.abc import Collection
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from uuid import UUID

from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown
from miniconf.live.registry import LiveError
from miniconf.mail import incoming, send_mail

from . import changes
from .html_mail import text_of_html
from .mail_checks import Refused, addresses, check_person, check_sender, header
from .models import InboundMail, Message
from .reply_address import ReplyTo, TokenInvalid, is_ours, read_address
from .reply_text import stripped_reply, unflowed
from .rooms import find_room
from .services import LONGEST_TEXT, send_message

logger = logging.getLogger(__name__)

LARGEST = 1_000_000  # bytes
EXPLANATIONS = "1/day"
KEPT_FOR = timedelta(days=60)
# Where the address a mail was brought to stands; providers name it themselves, too.
_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")
_LATER = {"rate_limited", "slow_mode"}
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}


class Later(Exception):
    """This mail cannot be taken just now: it should be brought again."""


def receive(raw: bytes, *, recipients: Collection[str] = ()) -> InboundMail:
    """Post the answer in a mail (RFC 5322), or note why not. `recipients` are the addresses it was brought to, where the
    one who brings it knows them. Raises Later; for everything else one delivery is enough."""
    if len(raw) > LARGEST:
        return note_too_large(raw[:20_000])
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    mail_id = _id_of(mail, raw)
    known = InboundMail.objects.filter(mail_id=mail_id).first()
    if known is not None:
        return known
    brought_to = [*(recipient.strip().strip("<>") for recipient in recipients), *addresses(mail, *_TO)]
    if any(taken(mail, brought_to) for taken in incoming):
        return _note(mail_id, refused="It is a report about one of this site's mails.")
    user: User | None = None
    try:
        check_person(mail)
        to = _reply_to(brought_to)
        user = User.objects.filter(pk=to.user_id, is_active=True).first()
        if user is None:
            raise Refused("There is no account that it could speak for.")
        check_sender(mail, user)
        message = _post(mail, mail_id, to, user)
    except Refused as refused:
        if refused.tell and user is not None:
            _explain(user, refused.reason)
        return _note(mail_id, user=user, refused=refused.reason)
    return _note(mail_id, user=user, message=message)


def note_too_large(start: bytes) -> InboundMail:
    """Note a mail of which only the beginning was read."""
    mail = message_from_bytes(start, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return _note(_id_of(mail, start), refused=f"It is larger than {LARGEST:,} bytes.")


def forget_old_mail() -> int:
    """What came long ago is not brought again."""
    return InboundMail.objects.filter(received_at__lt=now() - KEPT_FOR).delete()[0]


def _id_of(mail: EmailMessage, raw: bytes) -> str:
    """The mail's own id, shortened where it is very long, made from the mail where it has none."""
    name = header(mail, "Message-ID").strip()
    if not name:
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return name if len(name) <= 250 else f"sha256:{hashlib.sha256(name.encode(errors='replace')).hexdigest()}"


def _note(mail_id: str, *, user: User | None = None, message: Message | None = None, refused: str = "") -> InboundMail:
    row, new = InboundMail.objects.get_or_create(
        mail_id=mail_id.replace("\x00", ""), defaults={"user": user, "message": message, "refused": refused[:200]}
    )
    if new and refused:
        logger.info("A mail was refused: %s", refused)
    return row


def _reply_to(brought_to: Collection[str]) -> ReplyTo:
    """What the signed address says. Raises Refused where there is none."""
    seen = False
    for address in brought_to:
        seen = seen or is_ours(address)
        try:
            return read_address(address)
        except TokenInvalid:
            continue
    raise Refused("The address it was sent to is not one of ours, or was changed." if seen else "It is not for us.")


def _post(mail: EmailMessage, mail_id: str, to: ReplyTo, user: User) -> Message:
    if to.expired:
        raise Refused("The address you answered to is too old; please answer on the site.", tell=True)
    answered = Message.objects.filter(pk=to.message_id).select_related("room", "thread").first()
    if answered is None or answered.deleted_at or answered.hidden_at:
        raise Refused("The message you answered was taken away.", tell=True)
    text = text_of(mail)
    if not text:
        raise Refused("There was no text in it besides what it quotes.", tell=True)
    if len(text) > LONGEST_TEXT:
        raise Refused(f"A message has at most {LONGEST_TEXT} letters; this one had {len(text)}.", tell=True)
    left_out = _attachments(mail)
    if left_out:
        text += f"\n\n*({left_out} attachment{'' if left_out == 1 else 's'} of this mail left out.)*"
    root = answered.thread or answered
    try:
        event = send_message(
            user=user,
            room_key=answered.room.key,
            client_id=client_id_of(user, mail_id),
            text=text[:LONGEST_TEXT],
            thread=root.pk,
        )
    except LiveError as error:
        if error.code in _LATER:
            raise Later(error.message) from error
        raise Refused(error.message, tell=True) from error
    _mark_answer(user, root, event["id"])
    return Message.objects.get(pk=event["id"])


def client_id_of(user: User, mail_id: str) -> UUID:
    """The same for the same mail, so that it is stored once however often it is brought."""
    return UUID(bytes=hashlib.sha256(f"mail:{user.pk}:{mail_id}".encode(errors="replace")).digest()[:16], version=5)


def _mark_answer(user: User, root: Message, reply: int) -> None:
    """What an author replies to an open question is its answer."""
    room = find_room(root.room.key)
    if room is None or user.pk not in room.author_ids or root.author_id == user.pk or root.asked != Message.Asked.OPEN:
        return
    try:
        changes.mark_answered(user=user, message_id=root.pk, answer_id=reply)
    except LiveError as error:
        if error.code in _LATER:
            raise Later(error.message) from error
        logger.warning("An answer by mail stands, its question is not marked: %s", error.message)


# --- What it says ----------------------------------------------------------------------------------------------------


def text_of(mail: EmailMessage) -> str:
    """What its author wrote: from the plain text, else from the HTML."""
    for kind in ("plain", "html"):
        try:
            part = mail.get_body(preferencelist=(kind,))
        except Exception:  # a structure that the standard library cannot follow
            part = None
        if part is None:
            continue
        text = _content(part)
        if kind == "html":
            text = text_of_html(text)
        elif str(part.get_param("format", "")).lower() == "flowed":
            text = unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
        found = stripped_reply(text)
        if found:
            return found
    return ""


def _content(part: MIMEPart) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return raw.decode(charset, errors="replace")
    except (LookupError, ValueError):  # a character set that nobody knows
        return raw.decode("utf-8", errors="replace")


def _attachments(mail: EmailMessage) -> int:
    return sum(
        part.get_content_disposition() == "attachment" and part.get_content_type() not in _SIGNATURES
        for part in mail.walk()
    )


def _explain(user: User, reason: str) -> None:
    """Tell `user` why their answer does not stand in the room; once a day, whatever is sent in their name."""
    try:
        if allow(EXPLANATIONS, "mail-refused", str(user.pk)) is not None:
            return
        send_mail(
            template="reply_refused",
            to=user.email,
            headers={"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"},
            name=user.name,
            reason=reason,
        )
    except BrokerDown:
        return  # nobody can count how often they were told
    except (OSError, smtplib.SMTPException):
        logger.warning("Account %s could not be told why a mail was refused", user.pk)
