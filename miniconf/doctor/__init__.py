"""What a site depends on, looked at one by one, each with what to do about it."""

from .findings import Finding
from .rounds import examine

__all__ = ["Finding", "examine"]
