"""Every kind of page in a narrow and a wide window, by day and by night: it opens, fits, and breaks no rule."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

PUBLIC = (
    *("/", "/papers/", "/papers/ShaRnn2019/", "/schedule/", "/events/", "/sponsors/", "/demos/"),
    *("/demos/sha-rnn-generate/", "/chat/lounge:main/", "/help/", "/accounts/login/", "/api/v1/docs"),
)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_page_opens_and_fits_its_window(page_for: Callable[..., Page], width: int, scheme: str) -> None:
    page = page_for(None, viewport={"width": width, "height": 800}, color_scheme=scheme)
    too_wide = {}
    for path in PUBLIC:
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            too_wide[path] = beyond
    assert too_wide == {}


def test_a_page_that_is_not_there_says_so(page_for: Callable[..., Page]) -> None:
    page = page_for()
    response = page.goto("/papers/NoSuchPaper/")
    assert response is not None
    assert response.status == 404
    assert page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("attendee", "Amara Okonvale"),
        ("author", "Demo Author (sample)"),
        ("organizer", "Wendell Achterberg-Pye"),
    ],
)
def test_a_printed_link_signs_in_with_one_click(page_for: Callable[..., Page], role: str, name: str) -> None:
    page = page_for(role)
    assert page.locator(".viewer-name").inner_text() == name
    assert (page.get_by_role("link", name="Organize", include_hidden=True).count() == 1) is (role == "organizer")
