"""Who may do what: one predicate for each action, asked by views, API operations, socket commands and templates.

Roles: a visitor has no account in use; an attendee has signed in; an author is an attendee whose account is linked to
an author of the paper in question or represents it; an organizer may do everything here. Accounts that were switched off are
visitors. tests/accounts/test_permissions.py holds the whole table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from django.contrib.auth.models import AnonymousUser
from typing_extensions import TypeIs

from miniconf.people.roles import is_chair_of, is_moderator, is_staff_of, moderates
from papers.models import Authorship, Conference, Paper, Person, Session, Sponsor

if TYPE_CHECKING:
    from demos.models import Demo
    from miniconf.accounts.models import User
    from papers.models import Event

Viewer: TypeAlias = "User | AnonymousUser"


def is_member(user: Viewer) -> TypeIs[User]:
    """Signed in, with an account that is not switched off."""
    return user.is_authenticated and user.is_active


def is_organizer(user: Viewer) -> bool:
    return is_member(user) and bool(getattr(user, "is_organizer", False))


def is_author(user: Viewer, paper: Paper) -> bool:
    """Whether `user`'s account is linked to one of the paper's authors, or acts for them."""
    return is_member(user) and (
        Authorship.objects.filter(paper=paper, person__user_id=user.pk).exists()
        or paper.representatives.filter(pk=user.pk).exists()
    )


def can_read_site(user: Viewer, conference: Conference | None = None) -> bool:
    """See anything at all: papers, schedule, chat. `conference` spares a query where it is at hand."""
    # In this order: a public page need not look up who is there.
    return not (conference or Conference.current()).members_only or is_member(user)


def can_post(user: Viewer, room_key: str) -> bool:
    """Write in a room ("paper:SkxSha1"): whoever has signed in, in every room."""
    return is_member(user) and bool(room_key)


def can_moderate(user: Viewer, room_key: str) -> bool:
    """Remove other people's messages: organizers, and moderators, chairs and booths' staff in the rooms handed over to
    them. Authors may not: they would judge their own critics."""
    return bool(room_key) and (is_organizer(user) or (is_member(user) and moderates(user, room_key)))


def can_moderate_room(user: Viewer, room_key: str, author_ids: Collection[int]) -> bool:
    """Hide and pin messages: moderators, and the authors of what the room hangs on in their own room."""
    return can_moderate(user, room_key) or (is_member(user) and user.pk in author_ids)


def can_report(user: Viewer, writer_id: int | None) -> bool:
    """Tell moderators that a message should not stand: members, of other people's messages."""
    return is_member(user) and user.pk != writer_id


def can_judge(user: Viewer, room_key: str, author_ids: Collection[int], writer_id: int | None) -> bool:
    """Hide a message, show it again, decide on its reports: moderators; the authors in their room, but not of their own
    messages."""
    return can_moderate(user, room_key) or (
        can_moderate_room(user, room_key, author_ids) and is_member(user) and user.pk != writer_id
    )


def can_sanction(user: Viewer, about: User) -> bool:
    """Mute or ban somebody: organizers and moderators, and neither one another nor themselves."""
    return can_see_moderation(user) and user.pk != about.pk and not can_see_moderation(about)


def can_see_moderation(user: Viewer) -> bool:
    """See what goes on in all rooms, reports, sanctions, and the record of what moderators did; keep the word list."""
    return is_organizer(user) or (is_member(user) and is_moderator(user))


def can_forget(user: Viewer, about: User) -> bool:
    """Take somebody's name off everything they did here: organizers, and neither of one another nor of themselves."""
    return is_organizer(user) and user.pk != about.pk and not about.is_organizer


def can_read_personal_data(user: Viewer, about: User) -> bool:
    """Have all that is kept about somebody as a file: that person and organizers."""
    return is_organizer(user) or (is_member(user) and user.pk == about.pk)


def can_mark_answer(user: Viewer, asker_id: int | None, room_key: str, author_ids: Collection[int]) -> bool:
    """Say that a question is answered: who asked it, the authors, moderators."""
    return is_member(user) and (user.pk == asker_id or can_moderate_room(user, room_key, author_ids))


def can_run(user: Viewer, demo: Demo, conference: Conference | None = None) -> bool:
    """Start a run: members, and visitors where the conference lets them. Drafts: who may edit them."""
    if not demo.enabled:
        return can_edit_demo(user, demo)
    if is_member(user):
        return True
    conference = conference or Conference.current()
    return conference.anonymous_runs and not conference.members_only


def can_edit_demo(user: Viewer, demo: Demo) -> bool:
    """Set up a demo: organizers, and the authors of its paper."""
    return is_organizer(user) or (demo.paper is not None and is_author(user, demo.paper))


def can_see_demo(user: Viewer, demo: Demo) -> bool:
    """Look at a demo: everybody, once it is published; before, who may edit it."""
    withdrawn = demo.paper is not None and demo.paper.withdrawn_at is not None
    return (demo.enabled and not withdrawn) or can_edit_demo(user, demo)


def can_manage_demos(user: Viewer) -> bool:
    """See the queue, the workers and everybody's runs; drain workers, stop runs: organizers."""
    return is_organizer(user)


def can_see_private(user: Viewer) -> bool:
    """See meeting links and everything else in fields named `*_private`."""
    return is_member(user)


def can_edit_paper(user: Viewer, paper: Paper) -> bool:
    """Change what the paper's page says: its authors and organizers."""
    return is_organizer(user) or is_author(user, paper)


def can_manage_people(user: Viewer) -> bool:
    """See who takes part, with addresses; invite, hand over roles, switch accounts off."""
    return is_organizer(user)


def can_see_numbers(user: Viewer) -> bool:
    """See what waits for organizers today, and how much the conference is used."""
    return is_organizer(user)


def can_give_feedback(user: Viewer) -> TypeIs[User]:
    """Answer the organizers' questions about sessions and the conference: members."""
    return is_member(user)


def can_see_feedback(user: Viewer, session: Session | None) -> bool:
    """See what people said about a session, or with None about the conference: organizers, chairs of their sessions."""
    return is_organizer(user) or (session is not None and is_member(user) and is_chair_of(user, session))


def can_have_certificate(user: Viewer) -> TypeIs[User]:
    """Have a certificate of what one did here, once they are given out: members."""
    return is_member(user)


def can_end_conference(user: Viewer) -> bool:
    """Close all rooms, have the archive, thank people, and set what is deleted when: organizers."""
    return is_organizer(user)


def can_change_settings(user: Viewer) -> bool:
    """Name, rules, look, menu and mails of the site; set it up, and see what it lacks."""
    return is_organizer(user)


def can_import(user: Viewer) -> bool:
    """Read a programme from files into the site."""
    return is_organizer(user)


def can_bookmark(user: Viewer) -> TypeIs[User]:
    """Keep bookmarks and visited papers in the account; visitors keep theirs in the browser."""
    return is_member(user)


def is_host(user: Viewer, event: Event) -> bool:
    """Whether `user`'s account is linked to one of the event's people."""
    return is_member(user) and event.people.filter(user_id=user.pk).exists()


def can_take_seat(user: Viewer, event: Event) -> TypeGuard[User]:
    """Sign up for a place at a table: members; its hosts sit there anyway."""
    return is_member(user) and not is_host(user, event)


def can_see_seats(user: Viewer, event: Event) -> bool:
    """See who has signed up for a table and what they would like to talk about: its hosts and organizers."""
    return is_organizer(user) or is_host(user, event)


def can_manage_seats(user: Viewer) -> bool:
    """Close a table's sign-up, take people off its list: organizers."""
    return is_organizer(user)


def can_announce(user: Viewer) -> TypeGuard[User]:
    """Write announcements to everybody: organizers."""
    return is_organizer(user)


def can_edit_everything(user: Viewer) -> bool:
    """Change any field of any row of the programme, make new rows, and decide on what authors ask for."""
    return is_organizer(user)


def can_edit(user: Viewer, row: object) -> bool:
    """Change something of a row of the programme: organizers anything, authors their papers, people themselves, staff their
    booth."""
    if is_organizer(user):
        return True
    if isinstance(row, Paper):
        return can_edit_paper(user, row)
    if isinstance(row, Sponsor):
        return is_member(user) and is_staff_of(user, row)
    return isinstance(row, Person) and is_member(user) and row.user_id == user.pk
