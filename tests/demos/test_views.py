"""Demos on pages: with and without a worker, without JavaScript, and runs as permanent pages."""

import pytest
from django.test import Client

from demos.models import Run

pytestmark = pytest.mark.django_db

NO_MACHINE = "No machine that runs this model is connected"


def test_a_papers_page_carries_its_demo(demo, announced):
    page = Client().get("/papers/Tiny.1/").content.decode()
    assert 'data-demo="tiny-generate"' in page
    assert NO_MACHINE not in page


def test_without_a_worker_the_page_says_so_and_stays_readable(demo):
    page = Client().get("/papers/Tiny.1/").content.decode()
    assert NO_MACHINE in page
    assert 'data-demo="tiny-generate"' in page


@pytest.mark.usefixtures("dead_broker")
def test_without_a_broker_the_page_still_opens(demo):
    answer = Client().get("/papers/Tiny.1/")
    assert answer.status_code == 200
    assert 'data-demo="tiny-generate"' in answer.content.decode()


def test_a_form_starts_a_run_and_leads_to_its_page(demo, announced):
    answer = Client().post("/demos/tiny-generate/run/", {"prompt": "We study", "seed": "7"})
    run = Run.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert (run.inputs["prompt"], run.inputs["seed"]) == ("We study", 7)


def test_a_form_with_a_wrong_number_comes_back_with_its_text_and_the_reason(demo, announced):
    answer = Client().post("/demos/tiny-generate/run/", {"prompt": "We study", "temperature": "9"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "must be less than or equal to 2" in page
    assert "We study" in page
    assert not Run.objects.exists()


def test_a_finished_run_is_a_page_without_javascript(demo):
    output = {
        "text": " <b>bold</b>",
        "tokens": [[5, " <b>", 0.5, [[" a", 0.4]]], [6, "bold</b>", 0.01, []]],
        "finish_reason": "length",
        "prompt_tokens": 2,
        "new_tokens": 2,
        "model": "tiny",
    }
    run = Run.objects.create(
        demo=demo, inputs={"prompt": "We study", "seed": 1}, state="succeeded", output=output, visitor="f00dface"
    )
    page = Client().get(f"/runs/{run.pk}/").content.decode()
    assert "&lt;b&gt;" in page
    assert "<b>bold" not in page
    assert "f00dface" not in page


def test_unknown_demos_and_runs_are_not_found(demo):
    assert Client().get("/runs/00000000-0000-0000-0000-000000000000/").status_code == 404
    assert Client().post("/demos/nowhere/run/").status_code == 404
