"""Announcements as organizers write them, and as mails."""
