"""API operations of demos."""

from ninja import Router

router = Router(tags=["demos"])
