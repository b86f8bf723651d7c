"""The paper list: what an address asks for, what the form offers, and one bounded page."""

from .facets import Choices, choices
from .narrowing import filtered
from .page import Chip, Listing, listing
from .wanted import SIZES, SORTS, Wanted

__all__ = ["SIZES", "SORTS", "Chip", "Choices", "Listing", "Wanted", "choices", "filtered", "listing"]
