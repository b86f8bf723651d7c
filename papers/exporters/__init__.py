"""The programme in other formats: one module per format, named in `FORMATS`.

A format is a module (or object) with NAME (in addresses and on the command line), TITLE and DESCRIPTION (on the page
of exports: what it is, what it holds), CONTENT_TYPE, FILE_NAME and `write`. To add one, write the module and name it
in `_MODULES`. What is withdrawn is in no export; fields named `*_private` and e-mail addresses are in none either,
except that a format may write meeting links where `private` is asked for, which only the command line does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Protocol

from . import frab_json, frab_xml, ical, native, sitedata, tables


class Exporter(Protocol):
    NAME: str
    TITLE: str
    DESCRIPTION: str
    CONTENT_TYPE: str
    FILE_NAME: str

    def write(self, stream: IO[bytes], *, private: bool = False) -> None:
        """Write the whole export to a binary stream; the same programme gives the same bytes."""


_MODULES: tuple[Exporter, ...] = (ical, frab_xml, frab_json, tables, native, sitedata)

FORMATS: Mapping[str, Exporter] = {exporter.NAME: exporter for exporter in _MODULES}
