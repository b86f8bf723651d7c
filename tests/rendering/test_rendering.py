"""Rendering of text from people and files."""

import pytest

from miniconf.rendering import render_inline, render_markdown, render_plain


def test_latex_in_an_abstract_becomes_mathml():
    html = render_plain(r"We need $10{\times}{-}25{\times}$ fewer steps.")
    assert html.startswith("<p>We need <math")
    assert "×" in html
    assert "$" not in html


def test_tags_in_an_abstract_are_shown_as_text():
    assert render_plain("pairs of <table,description> & more") == "<p>pairs of &lt;table,description&gt; &amp; more</p>"


def test_line_breaks_and_paragraphs_survive():
    assert render_plain("one\r\ntwo\r\n\r\nthree") == "<p>one<br>two</p><p>three</p>"


def test_money_is_not_mathematics():
    assert render_plain("It costs $5 to $10 a day.") == "<p>It costs $5 to $10 a day.</p>"
    assert render_markdown("It costs $5 to $10 a day.") == "<p>It costs $5 to $10 a day.</p>\n"


def test_what_is_not_latex_stays_readable():
    assert render_inline(r"Then $\frac{1}{$ follows") == r"Then <code>$\frac{1}{$</code> follows"


def test_titles_may_hold_mathematics():
    assert render_inline(r"On $\ell_1$ balls").startswith("On <math")


def test_markdown_has_code_with_highlighting_and_formulas():
    html = render_markdown("Try `x`:\n\n```python\ndef f(): pass\n```\n\n$a^2$")
    assert '<span class="k">def</span>' in html
    assert "<msup>" in html


@pytest.mark.parametrize("render", [render_markdown, render_plain, render_inline])
@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\text{<script>alert(1)</script>}$",
        "<svg onload=alert(1)>",
        '"><iframe src=//evil>',
        '```"><script>alert(1)</script>\nx\n```',
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    ],
)
def test_nothing_executable_comes_out(render, attack):
    html = render(attack)
    for forbidden in ("<script", "<img", "<iframe", "<svg", 'href="javascript', "<a href='javascript"):
        assert forbidden not in html


ADA = "0b6e1c2d-1111-4222-8333-9444a5b6c7d8"


def test_mentions_are_names_marked_with_whose_they_are():
    assert render_markdown(f"Hi @[Ada Lovelace](person:{ADA})!") == (
        f'<p>Hi <span class="mention" data-person="{ADA}">@Ada Lovelace</span>!</p>\n'
    )
    two = render_markdown(f"@[Ada](person:{ADA}) @[Bob](person:{ADA}) [page](https://x.example)")
    assert two.count('class="mention"') == 2
    assert '<a href="https://x.example"' in two


@pytest.mark.parametrize(
    "text", [f"[Ada](person:{ADA})", "@[Ada](person:x)", f"`@[Ada](person:{ADA})`", f"@[Ada](person:{ADA}.x)"]
)
def test_what_is_no_mention_is_not_marked(text):
    assert "mention" not in render_markdown(text)


def test_names_in_mentions_cannot_break_out():
    html = render_markdown(f'@[<b onclick=x>"Ada](person:{ADA} "title")')
    assert html == f'<p><span class="mention" data-person="{ADA}">@&lt;b onclick=x&gt;"Ada</span></p>\n'
