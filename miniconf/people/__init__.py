"""Who takes part: admission, invitations by mail, and what organizers hand over to others (docs/console.md)."""
