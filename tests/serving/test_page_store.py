"""Where ready pages are kept: bounded in bytes, popular ones stay, what is out of date is not taken."""

from miniconf.serving.page_answers import OVERHEAD, Page
from miniconf.serving.page_store import PageStore

BODY = 4000
LIMIT = 10 * (BODY + OVERHEAD)


def page(*tags, size=BODY):
    # Of no kind that is compressed, so that its size is known.
    return Page(status=200, headers=[("Content-Type", "image/png")], body=b"x" * size, seconds=60, tags=frozenset(tags))


def filled():
    store = PageStore(LIMIT)
    for number in range(10):
        assert store.put(number, page(), since=0)
    return store


def test_bytes_are_counted_and_bounded():
    store = PageStore(LIMIT)
    for number in range(100):
        store.get(number)
        store.put(number, page(), since=0)
        assert store.bytes == len(store) * (BODY + OVERHEAD) <= LIMIT
    assert len(store) == 10


def test_what_is_put_again_is_counted_once():
    store = PageStore(LIMIT)
    for _ in range(3):
        store.put("a", page("tag"), since=0)
    assert (len(store), store.bytes) == (1, BODY + OVERHEAD)
    store.drop("a")
    assert (len(store), store.bytes) == (0, 0)


def test_the_least_recently_asked_for_goes_first():
    store = filled()
    store.get(0)
    store.get("new")
    store.get("new")
    assert store.put("new", page(), since=0)
    assert store.get(0) is not None
    assert store.get(1) is None


def test_pages_asked_for_once_push_out_none_that_many_read():
    store = filled()
    for _ in range(3):
        for number in range(10):
            store.get(number)
    for junk in range(1000):
        key = f"?junk={junk}"
        for _ in range(2):
            store.get(key)
        assert not store.put(key, page(), since=0)
    assert all(store.get(number) is not None for number in range(10))


def test_what_is_asked_for_more_often_takes_the_place_of_what_is_not():
    store = filled()
    for _ in range(3):
        store.get("popular")
    assert store.put("popular", page(), since=0)


def test_what_has_ended_makes_room_however_popular_it_was():
    store = filled()
    for number in range(10):
        for _ in range(5):
            old = store.get(number)
        old.ends_at -= 1000
    store.get("new")
    assert store.put("new", page(), since=0)


def test_a_page_that_would_fill_much_of_the_store_is_not_kept():
    assert not PageStore(LIMIT).put("large", page(size=LIMIT // 8), since=0)


def test_tags_drop_their_pages_and_no_others():
    store = PageStore(LIMIT)
    store.put("paper", page("room:paper:A"), since=0)
    store.put("both", page("room:paper:A", "room:paper:B"), since=0)
    store.put("other", page("room:paper:B"), since=0)
    store.put("list", page(), since=0)
    store.forget(["room:paper:A", "room:paper:C"])
    assert {key for key in ("paper", "both", "other", "list") if store.get(key)} == {"other", "list"}
    store.forget()
    assert (len(store), store.bytes) == (0, 0)


def test_a_page_begun_before_a_change_of_what_it_shows_is_not_kept():
    store = PageStore(LIMIT)
    begun = store.change
    store.forget(["room:paper:A"])
    assert not store.put("a", page("room:paper:A"), since=begun)
    assert store.put("b", page("room:paper:B"), since=begun)
    store.forget()
    assert not store.put("b", page("room:paper:B"), since=begun)
    assert store.put("b", page("room:paper:B"), since=store.change)


def test_a_page_begun_before_more_changes_than_are_remembered_is_not_kept():
    store = PageStore(LIMIT)
    for number in range(2000):
        store.forget([f"room:{number}"])
    assert not store.put("a", page("room:paper:A"), since=0)
