"""About the server and its index: GET /v1/folders, /v1/models, /v1/health and /v1/metrics."""

from importlib.metadata import version
from resource import RUSAGE_SELF, getrusage

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from cosmos_search.models.install import list_models
from cosmos_search.models.store import default_store
from cosmos_search.server.answer_schemas import FoldersAnswer, HealthAnswer, ModelsAnswer
from cosmos_search.server.answers import make_json
from cosmos_search.server.metrics import CONTENT_TYPE
from cosmos_search.server.service import Service

__all__ = ["make_about_routes"]


def make_about_routes(service: Service) -> APIRouter:
    """The routes that describe the server."""
    routes = APIRouter(prefix="/v1", tags=["about"])

    @routes.get("/folders", response_model=FoldersAnswer, summary="Indexed folders, failed files, sizes on disk")
    async def list_folders() -> Response:
        return await service.workers.run(lambda: make_json(service.library.info().to_dict()))

    @routes.get("/models", response_model=ModelsAnswer, summary="Installed and published encoders")
    async def read_models() -> Response:
        def read() -> Response:
            return make_json({"models": [row.to_dict() for row in list_models(default_store())]})

        return await service.workers.run(read)

    @routes.get("/health", response_model=HealthAnswer, summary="Whether the server runs; needs no token")
    async def check_health() -> Response:
        return make_json({"status": "ok", "version": version("cosmos-search")})

    @routes.get("/metrics", response_class=PlainTextResponse, summary="Metrics in the text format of Prometheus")
    async def read_metrics() -> Response:
        gauges = {
            "cosmos_search_requests_active": float(service.workers.n_active + service.slow_workers.n_active),
            "cosmos_search_indexing_running": float(service.indexing.is_running),
            "cosmos_search_memory_peak_bytes": 1024.0 * getrusage(RUSAGE_SELF).ru_maxrss,
        }
        return Response(service.metrics.format(gauges), media_type=CONTENT_TYPE)

    return routes
