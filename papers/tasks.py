"""Celery tasks of the programme: what takes longer than a request may."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

from .models import PaperVector
from .only_one import only_one
from .similarity import service

logger = logging.getLogger(__name__)

_ROUNDS = 3  # papers may change while their neighbours are computed


@shared_task(name="papers.tasks.update_similarity", ignore_result=True)
def update_similarity() -> None:
    """Bring similar papers and the map up to date, if anything has changed. Sent after imports, and every ten minutes.

    An embedding model needs torch, which only GPU workers have: they embed, and this is sent again for the map. Until
    a first embedding is there, TF-IDF stands in.
    """
    model = service.wanted_model()
    with only_one("similarity") as alone:
        if not alone:
            return  # who computes looks again at the end
        for _ in range(_ROUNDS):
            stands_in = not model or not PaperVector.objects.exists()
            changed = service.update_with_tfidf() if stands_in else 0
            if not service.update_map() and not changed:
                break
        embed = bool(model) and service.changed_papers(service.method_of(model)) is not None
    if embed:
        embed_papers.apply_async(expires=600)


@shared_task(name="papers.tasks.embed_papers", ignore_result=True)
def embed_papers() -> None:
    """Vectors by the embedding model named in settings; runs on a GPU worker. Without a usable model TF-IDF stands in."""
    from .similarity.embedding import ModelUnusable

    with only_one("similarity") as alone:
        if not alone:
            return
        try:
            for _ in range(_ROUNDS):
                if not service.update_with_model(service.wanted_model(), device=settings.ENGINE_DEVICE):
                    break
        except ModelUnusable as error:
            logger.error("similar papers: %s; TF-IDF stands in", error)
            stand_in.delay()
            return
    update_similarity.delay()


@shared_task(name="papers.tasks.stand_in", ignore_result=True)
def stand_in() -> None:
    """TF-IDF where the embedding model cannot be used."""
    with only_one("similarity") as alone:
        if alone:
            service.update_with_tfidf()
            service.update_map()
