"""A page of the live site made into one that needs no server: relative addresses, nothing that asks or sends."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from html.parser import HTMLParser

# Elements with any of these are taken out with all they hold: they need a server, an account, or both.
_LIVE_ATTRIBUTES = {"hx-get", "hx-post", "data-bookmark", "data-needs-account"}
_LIVE_TAGS = {"form", "noscript", "template"}
_LIVE_CLASSES = {"bookmark", "chat-sign-in", "chat-form", "chat-foot", "announcement-dismiss", "skip-when-frozen"}
_ADDRESSES = {
    "script": "src",
    "a": "href",
    "img": "src",
    "video": "src",
    "source": "src",
    "track": "src",
    "iframe": "src",
}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

Resolve = Callable[[str], str | None]  # an address -> what the page writes for it, None for what there is not


class Rewriter(HTMLParser):
    """`resolve` knows this site's addresses; addresses of other sites never reach it."""

    def __init__(self, resolve: Resolve, scripts: list[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.resolve, self.scripts = resolve, scripts
        self.out: list[str] = []
        self.skipping = 0  # depth inside of what is taken out
        self.unlinked: list[bool] = []  # for each open <a>: whether its tag was left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self.skipping:
            self.skipping += tag not in _VOID
            return
        if self._is_live(tag, values):
            self.skipping += tag not in _VOID
            return
        if tag == "body":
            attrs = [(name, value) for name, value in attrs if not name.startswith("hx-")]
        attrs = [(key, self._address(value or "") if key == "data-list-url" else value) for key, value in attrs]
        values = dict(attrs)
        name = "href" if tag == "link" else _ADDRESSES.get(tag, "")
        if tag == "video" and values.get("poster"):
            attrs = [(key, self._address(value or "") if key == "poster" else value) for key, value in attrs]
        if name and values.get(name) is not None:
            address = self._address(values[name] or "")
            if tag == "a":
                self.unlinked.append(address is None)
            if address is None:
                return
            attrs = [(key, address if key == name else value) for key, value in attrs]
        elif tag == "a":
            self.unlinked.append(False)
        self.out.append(_tag(tag, attrs))

    def _is_live(self, tag: str, values: dict[str, str | None]) -> bool:
        if tag in _LIVE_TAGS:
            return "data-frozen" not in values  # a form that its script answers
        if _LIVE_ATTRIBUTES & values.keys():
            return True
        if tag == "script":  # data is kept, and the theme, which must be there before anything is drawn
            return values.get("type") != "application/json" and "/site/theme." not in (values.get("src") or "")
        if tag == "meta":
            return values.get("name") in ("csrf-token", "htmx-config")
        if tag == "link":
            return values.get("rel") in ("alternate", "modulepreload")
        classes = set((values.get("class") or "").split())
        return bool(classes & _LIVE_CLASSES)

    def _address(self, address: str) -> str | None:
        if address.startswith("#") or not (address.startswith(("/", "?", "./", "../"))) or address.startswith("//"):
            return address  # within the page, or of another site
        return self.resolve(address)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)
        elif not self.skipping:
            self.out.append(self.get_starttag_text() or "")  # MathML and SVG

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            self.skipping -= tag not in _VOID
            return
        if tag == "a" and self.unlinked and self.unlinked.pop():
            return
        if tag == "body":
            self.out += [f'<script src="{escape(script)}"></script>\n' for script in self.scripts]
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        pass

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")


def _tag(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    texts = [name if value is None else f'{name}="{escape(value)}"' for name, value in attrs]
    return f"<{' '.join([tag, *texts])}>"


def rewrite(page: str, resolve: Resolve, scripts: list[str]) -> str:
    """`page` with addresses as `resolve` gives them, and `scripts` (relative addresses) at its end.

    A link to something that is not frozen loses its tag and keeps its text.
    """
    rewriter = Rewriter(resolve, scripts)
    rewriter.feed(page)
    rewriter.close()
    return "".join(rewriter.out)
