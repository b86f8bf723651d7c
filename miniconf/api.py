"""The HTTP API, version 1: /api/v1/, described by /api/v1/openapi.json."""

from ninja import NinjaAPI

from demos.api import router as demos
from papers.api import router as papers

api = NinjaAPI(title="miniconf", version="1", urls_namespace="api")
api.add_router("", papers)
api.add_router("", demos)
