"""A certificate as a PDF: one page, A4, lying."""

from __future__ import annotations

import io
import logging
from datetime import date
from typing import Any, cast

from fpdf import FPDF

from miniconf.console.models import Appearance
from miniconf.console.site.colours import USUAL

from . import fonts
from .issuing import shown_code
from .models import Certificate
from .words import days_of, lines_of

WIDTH, HEIGHT, MARGIN = 297, 210, 24  # millimetres
TEXT, MUTED = (22, 32, 31), (90, 102, 100)
SMALLEST_NAME = 16

logging.getLogger("fontTools").setLevel(logging.ERROR)  # tells of every table it leaves out


def draw(certificate: Certificate, *, address: str) -> bytes:
    """`address`: of the page that confirms it. Takes some tenths of a second."""
    look = Appearance.objects.order_by("pk").first() or Appearance()
    facts = certificate.facts
    lines = [fonts.printable(line) for line in lines_of(facts)]
    conference = fonts.printable(facts["conference"])
    page = _page([certificate.name, conference, *lines], certificate, conference)
    colour = _rgb(look.accent or USUAL[0])

    page.set_fill_color(*colour)
    page.rect(0, 0, 8, HEIGHT, style="F")
    top = float(MARGIN)
    if look.logo:
        top = _logo(page, bytes(look.logo))
    page.set_xy(MARGIN, top)
    _write(page, conference, size=15, bold=True, colour=colour)
    if when := days_of(facts):
        _write(page, when, size=11, colour=MUTED)
    page.ln(9)
    _write(page, "Certificate of attendance" if facts["attended"] else "Certificate of participation", size=13)
    page.ln(2)
    _write(page, certificate.name, size=_fitting(page, certificate.name), bold=True)
    page.ln(3)
    left = HEIGHT - MARGIN - 22 - page.get_y()
    size = 12.0
    while size > 7 and _height(page, lines, size) > left:
        size -= 0.5
    for line in lines:
        _write(page, line, size=size)
        page.ln(0.8)
    _foot(page, certificate, address)
    return bytes(page.output())


def _page(texts: list[str], certificate: Certificate, conference: str) -> FPDF:
    page = FPDF("landscape", "mm", "A4")
    page.set_auto_page_break(False)
    page.set_margins(MARGIN, MARGIN)
    page.set_title(f"Certificate: {certificate.name}, {conference}")
    page.set_lang("en")
    page.set_creator("miniconf")
    wanted = fonts.needed("".join(texts))
    for font in wanted:
        page.add_font(font, "", fonts.file_of(font))
        page.add_font(font, "B", fonts.file_of(font, bold=True))
    page.add_page()
    page.set_font(wanted[0])
    page.set_text_shaping(True)
    if len(wanted) > 1:
        page.set_fallback_fonts(wanted[1:])
    return page


def _write(
    page: FPDF, text: str, *, size: float, bold: bool = False, colour: tuple[int, int, int] = TEXT
) -> None:  # fmt: skip
    page.set_font(fonts.BASE, "B" if bold else "", size)
    page.set_text_color(*colour)
    page.set_x(MARGIN)
    page.multi_cell(WIDTH - 2 * MARGIN, size * 0.53, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _fitting(page: FPDF, name: str) -> float:
    """The size at which a name fits one line; the longest ones take two."""
    size = 34.0
    page.set_font(fonts.BASE, "B", size)
    while size > SMALLEST_NAME and page.get_string_width(name) > WIDTH - 2 * MARGIN:
        size -= 2
        page.set_font(fonts.BASE, "B", size)
    return size


def _height(page: FPDF, lines: list[str], size: float) -> float:
    page.set_font(fonts.BASE, "", size)
    rows = 0
    for line in lines:
        broken = page.multi_cell(WIDTH - 2 * MARGIN, 1, line, dry_run=True, output="LINES")
        rows += len(cast(list[str], broken))
    return rows * size * 0.53 + len(lines) * 0.8


def _logo(page: FPDF, picture: bytes) -> float:
    """At the top, at most 16 mm high; returns where the text goes on."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        high = min(16.0, 90.0 * image.height / image.width)
        page.image(image.convert("RGBA"), x=MARGIN, y=16, h=high)
    return 16 + high + 6


def _foot(page: FPDF, certificate: Certificate, address: str) -> None:
    page.set_draw_color(*MUTED)
    page.set_line_width(0.2)
    page.line(MARGIN, HEIGHT - MARGIN - 14, WIDTH - MARGIN, HEIGHT - MARGIN - 14)
    page.set_xy(MARGIN, HEIGHT - MARGIN - 11)
    issued = f"Issued on {certificate.issued_at:%-d %B %Y}. Code {shown_code(certificate.code)}"
    _write(page, issued, size=9, colour=MUTED)
    page.set_font(fonts.BASE, "", 9)
    page.set_x(MARGIN)
    page.cell(0, 5, f"Confirm it at {address}", link=address)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def file_name(facts: dict[str, Any]) -> str:
    year = date.fromisoformat(facts["starts_on"]).year if facts["starts_on"] else ""
    return f"certificate{f'-{year}' if year else ''}.pdf"
