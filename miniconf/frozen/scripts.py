"""The site's modules as one classic script: browsers refuse to load modules from a disk.

Understands the plain forms this project's modules are written in: named imports, `import "./x.js"`, and exports of
functions, classes, constants and lists of names. Anything else is an error, told with the file.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}\s+from\s+)?["\'](\.{1,2}/[^"\']+)["\'];?[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(async\s+function\*?|function\*?|class|const|let)\s+([A-Za-z_$][\w$]*)", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export\s+\{([^}]*)\};?[ \t]*$", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class NotBundled(ValueError):
    """A module is written in a way that is not understood here."""


def bundle(entries: list[str], root: Path) -> str:
    """One script that runs `entries` (names below `root`) after what they import."""
    done: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            raise NotBundled(f"{name}: imports itself by way of {', '.join(path)}")
        text = (root / name).read_text(encoding="utf-8")
        for _, target in _IMPORT.findall(text):
            visit(normpath(join(dirname(name), target)), (*path, name))
        done[name] = _wrapped(name, text)

    for entry in entries:
        visit(entry, ())
    # Asynchronous, since a module may await something before those that import it run.
    return "(async () => {\nconst modules = {};\n" + "\n".join(done.values()) + "\n})();\n"


def _wrapped(name: str, text: str) -> str:
    exported: list[tuple[str, str]] = []  # name outside, name inside

    def note(match: re.Match[str]) -> str:
        exported.append((match[2], match[2]))
        return f"{match[1]} {match[2]}"

    def note_list(match: re.Match[str]) -> str:
        for item in filter(None, (part.strip() for part in match[1].split(","))):
            inside, _, outside = item.partition(" as ")
            exported.append(((outside or inside).strip(), inside.strip()))
        return ""

    def load(match: re.Match[str]) -> str:
        target = normpath(join(dirname(name), match[2]))
        names = ", ".join(part.strip().replace(" as ", ": ") for part in (match[1] or "").split(",") if part.strip())
        return f'const {{ {names} }} = modules["{target}"];' if names else ""

    text = _EXPORT_LIST.sub(note_list, _EXPORT.sub(note, _IMPORT.sub(load, text)))
    if left := _LEFT.search(text):
        raise NotBundled(f"{name}: “{left[0][:80]}” is not understood")
    names = ", ".join(f"get {outside}() {{ return {inside}; }}" for outside, inside in exported)
    return f'modules["{name}"] = await (async () => {{\n{text}\nreturn {{ {names} }};\n}})();'
