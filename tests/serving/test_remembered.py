"""Values that every page needs are kept while changes are heard of, and at no other time."""

import pytest
from django.db import transaction
from django.utils.safestring import mark_safe

from miniconf.rendering import render_inline, render_markdown, render_plain
from miniconf.serving.page_changes import forget_pages
from miniconf.serving.remembered import Memory, memory

pytestmark = pytest.mark.django_db(transaction=True)


class Counted:
    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.asked


def test_nothing_is_remembered_where_changes_are_not_heard_of():
    own, value = Memory(), Counted()
    assert [own.remembered("a", value) for _ in range(2)] == [1, 2]
    own.listen(True)
    assert [own.remembered("a", value) for _ in range(2)] == [3, 3]
    own.listen(False)
    assert [own.remembered("a", value) for _ in range(2)] == [4, 5]


def test_a_change_of_the_programme_is_seen_at_once():
    memory.listen(True)
    try:
        value = Counted()
        assert [memory.remembered("a", value) for _ in range(2)] == [1, 1]
        forget_pages(["room:paper:A"])  # a message changes nothing that every page shows
        assert memory.remembered("a", value) == 1
        forget_pages()
        assert memory.remembered("a", value) == 2
    finally:
        memory.listen(False)


def test_what_changed_while_it_was_computed_is_not_remembered():
    own = Memory()
    own.listen(True)

    def slow():
        own.forget()
        return "old"

    assert own.remembered("a", slow) == "old"
    assert own.remembered("a", lambda: "new") == "new"


def test_what_a_transaction_sees_before_its_commit_is_nobody_elses():
    own = Memory()
    own.listen(True)
    with transaction.atomic():
        assert own.remembered("a", lambda: "uncommitted") == "uncommitted"
    assert own.remembered("a", lambda: "committed") == "committed"
    with transaction.atomic():
        assert own.remembered("a", lambda: "its own") == "its own"


def test_text_rendered_lately_comes_out_as_it_was_asked_for():
    for _ in range(2):
        assert render_markdown("one\ntwo") == "<p>one\ntwo</p>\n"
        assert render_markdown("one\ntwo", breaks=True) == "<p>one<br>\ntwo</p>\n"
        assert render_plain("one\ntwo") == "<p>one<br>two</p>"
        assert render_inline(mark_safe("<b>")) == "&lt;b&gt;"
