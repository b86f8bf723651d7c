"""What the worker computed from titles and abstracts: vectors, neighbours, places on the map."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from .programme import Paper


class PaperVector(models.Model):
    """A paper's text as a vector of unit length, and its place on the map when the source gives none."""

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="vector")
    method = models.CharField(max_length=200, help_text='Name of the embedding model, or "tf-idf"')
    text_digest = models.CharField(max_length=64, help_text="SHA-256 of the text it was made from")
    vector = models.BinaryField(help_text="float16, little endian")
    map_x = models.FloatField(null=True, blank=True)
    map_y = models.FloatField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.paper_id} by {self.method}"


class SimilarPaper(models.Model):
    """The nearest papers of a paper, the nearest first."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="similar")
    other = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    score = models.FloatField(help_text="Cosine of the two vectors")

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["paper", "position"], name="one_paper_per_rank")]

    def __str__(self) -> str:
        return f"{self.paper_id}: {self.other_id} ({self.score:.2f})"
