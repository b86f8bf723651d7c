"""What is left of a reply by mail: what its author wrote, whatever their mail program adds."""

from __future__ import annotations

import pytest

from chat.html_mail import text_of_html
from chat.reply_text import LONGEST, stripped_reply, unflowed

OURS = "#### To answer, write above this line ####\n\nHello Ada,\n\nA paper\n\nBob asked:\n\n> Why?"
QUOTED = "\n".join(f"> {line}" for line in OURS.split("\n"))


@pytest.mark.parametrize(
    "heading",
    [
        "On Mon, May 3, 2027 at 10:02 AM miniconf <reply+abc@in.example.net> wrote:",
        "On Mon, May 3, 2027 at 10:02 AM A conference with a very long name\n<noreply@example.org> wrote:",
        "Am Mo., 3. Mai 2027 um 10:02 Uhr schrieb miniconf <noreply@example.org>:",
        "Le lun. 3 mai 2027 à 10:02, miniconf <noreply@example.org> a écrit :",
        "El lun, 3 may 2027 a las 10:02, miniconf (<noreply@example.org>) escribió:",
        "2027年5月3日(月) 10:02 miniconf <noreply@example.org>:",
        "пн, 3 мая 2027 г. в 10:02, miniconf <noreply@example.org>:",
        "",
    ],
)
def test_the_quoted_mail_goes_whatever_introduces_it(heading):
    assert stripped_reply(f"Because it is.\r\n\r\n{heading}\r\n\r\n{QUOTED}") == "Because it is."


@pytest.mark.parametrize(
    "history",
    [
        "________________________________\nFrom: miniconf <noreply@example.org>\nSent: Monday, 3 May 2027 10:02\n"
        f"To: Ada\nSubject: Bob asked\n\n{OURS}",
        f"-----Original Message-----\nFrom: miniconf\nSent: Monday\nTo: Ada\nSubject: Bob asked\n\n{OURS}",
        "Von: miniconf <noreply@example.org>\nGesendet: Montag, 3. Mai 2027 10:02\nAn: Ada\n"
        f"Betreff: Bob asked\n\n{OURS}",
    ],
)
def test_a_mail_quoted_without_signs_goes_too(history):
    assert stripped_reply(f"Because it is.\n\n{history}") == "Because it is."
    assert stripped_reply(history) == ""


def test_an_answer_below_what_it_quotes_is_found():
    assert stripped_reply(f"On Mon, May 3, 2027 Bob <b@x.org> wrote:\n{QUOTED}\n\nBecause it is.\n") == "Because it is."


def test_answers_between_quoted_lines_are_found():
    text = "On Mon, May 3, 2027 at 10:02 Bob <b@x.org> wrote:\n> First?\nYes.\n> Second?\nNo.\n"
    assert stripped_reply(text) == "Yes.\n\nNo."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda Lovelace\nUniversity of London\n+44 20 7946 0000",
        "Best regards,\nAda",
        "Viele Grüße\nAda Lovelace\nLondon",
        "Sent from my iPhone",
        "Gesendet von meinem Telefon",
        "________________________________\nThis message is confidential.",
    ],
)
def test_signatures_go(signature):
    assert stripped_reply(f"Because it is.\n\n{signature}\n\nOn Mon, May 3, 2027 Bob <b@x.org> wrote:\n{QUOTED}") == (
        "Because it is."
    )


@pytest.mark.parametrize(
    "text",
    [
        "Take the limit first.\nTake it again.",
        "Two reasons:\n\n- it is small\n- it is fast\n\nThanks, and see Table 2 for the numbers that we have measured.",
        "Try\n\n```python\ndef f(x):\n    return x\n\n\tg()\n```\n\n    and this\n\nfrom: nowhere",
        "On the other hand, it wrote:\nnothing at all.",
        "We compare.\nBest, we think, is the second one.\nThanks for asking: it is new.",
        "See https://example.org/a?b=c and $x > y$.",
    ],
)
def test_what_only_looks_like_a_signature_or_a_quotation_stays(text):
    assert stripped_reply(text) == text


def test_invisible_letters_and_odd_line_ends_go():
    assert stripped_reply("\ufeffSo\u00a0it is.\rAnd\u200b on.\r\n") == "So it is.\nAnd on."


def test_flowed_text_is_joined():
    assert unflowed("This goes \r\non and \r\non.\r\n\r\n> quoted \r\n> too\r\n-- \r\nAda") == (
        "This goes on and on.\n\n> quoted\n> too\n-- \nAda"
    )


def test_html_becomes_text_and_nothing_else():
    html = """<html><head><style>p {color: red}</style><title>No</title></head><body><div dir="ltr">Because <b>it</b> is.
      <br>And<script>alert(1)</script> so &lt;b&gt;.</div><ul><li>one<li>two</ul><pre>  x = 1
    y</pre><br><div class="gmail_quote"><div class="gmail_attr">On Mon, May 3, 2027 Bob &lt;b@x.org&gt; wrote:<br></div>
      <blockquote>#### To answer, write above this line ####<p>Hello</p></blockquote></div></body></html>"""
    assert stripped_reply(text_of_html(html)) == "Because it is.\nAnd so <b>.\n\n- one\n- two\n\n  x = 1\n    y"


def test_outlook_s_history_goes():
    html = """<p>Because it is.</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> miniconf<br></div>
      <div><p>#### To answer, write above this line ####</p><p>Hello</p></div>"""
    assert stripped_reply(text_of_html(html)) == "Because it is."


@pytest.mark.parametrize(
    "hostile", ["<div>" * 90_000, "&" * 400_000, "<b>x" * 100_000, "<!--" * 100_000, "<" * 400_000]
)
def test_html_that_no_mail_program_writes_is_not_read(hostile):
    assert text_of_html(hostile) == ""


@pytest.mark.parametrize(
    "hostile",
    [
        "Am " + "schrieb " * 90_000,
        ("On " + "a " * 140 + "\n") * 700,
        "\n" * 190_000,
        "a\n> b\n" * 30_000,
        " " * 200_000,
    ],
)
def test_text_that_is_hard_on_patterns_comes_to_an_end(hostile):
    assert len(stripped_reply(hostile)) <= LONGEST
