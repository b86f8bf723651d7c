"""Reading settings from the environment, with errors that name the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

DATABASE_SCHEMES = ("postgres", "postgresql", "sqlite")


class Environment(environ.Env):
    """Like `environ.Env`, but an empty variable counts as unset and a wrong one is named in the error."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        has_default = len(args) > 1 or "default" in kwargs
        if has_default and self.ENVIRON.get(var) == "":
            return args[1] if len(args) > 1 else kwargs["default"]
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            cast = kwargs.get("cast") or (args[0] if args else str)
            kind = {int: "a whole number", float: "a number"}.get(cast, "a value that fits")
            raise ImproperlyConfigured(f"{var} is {self.ENVIRON.get(var)!r}, not {kind}") from error

    def database(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of the database that a URL names; its password shows in no error."""
        scheme = self.ENVIRON.get(var, "").partition("://")[0]
        if self.ENVIRON.get(var) and scheme not in DATABASE_SCHEMES:
            raise ImproperlyConfigured(f"{var} must begin with postgres:// or sqlite:///")
        try:
            found: dict[str, Any] = self.db_url(var, default=default)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{var} is no address of a database: postgres://user:password@host:port/name"
            ) from error
        return found


def writable_folder(variable: str, path: Path) -> Path:
    """`path`, made if it is not there; an error that names the variable if it cannot be used."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"the data folder {path} ({variable}) cannot be written: {error.strerror}"
        ) from error
    return path
