"""Who may make an account by asking for a sign-in code."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name, validate_email

from papers.models import Conference

from .models import AdmissionRule, Invitation

MOST_RULES = 2_000


def may_make_account(email: str) -> bool:
    """Everybody where registration is open; else who was invited, and addresses or domains on the list."""
    email = email.strip().lower()
    if Conference.current().open_registration:
        return True
    domain = email.rpartition("@")[2]
    return (
        Invitation.objects.filter(email=email).exists()
        or AdmissionRule.objects.filter(pattern__in=[email, f"@{domain}"]).exists()
    )


def clean_pattern(text: str) -> str:
    """An address or "@domain" in its one spelling. Raises ValidationError with a sentence."""
    text = text.strip().lower()
    domain = text.removeprefix("*").removeprefix("@")
    try:
        if "@" in domain:
            validate_email(domain)
            return domain
        validate_domain_name(domain)
    except ValidationError:
        raise ValidationError(f"“{text[:80]}” is neither an address nor a domain such as @example.org") from None
    if "." not in domain:
        raise ValidationError(f"“{text[:80]}” is neither an address nor a domain such as @example.org")
    return f"@{domain}"


def set_rules(text: str) -> int:
    """Take the lines of `text` for the whole list; returns how many there are. Raises ValidationError naming lines."""
    wanted, wrong = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            wanted.append(clean_pattern(line))
        except ValidationError as error:
            wrong.append(f"Line {number}: {error.message}.")
    if len(wanted) > MOST_RULES:
        wrong.append(f"The list has {len(wanted)} lines; at most {MOST_RULES} are kept. Use domains.")
    if wrong:
        raise ValidationError(wrong[:10])
    wanted = list(dict.fromkeys(wanted))
    AdmissionRule.objects.exclude(pattern__in=wanted).delete()
    AdmissionRule.objects.bulk_create([AdmissionRule(pattern=pattern) for pattern in wanted], ignore_conflicts=True)
    return len(wanted)
