"""Certificates of attendance: who has attended, what the PDF says, and the public page that confirms it."""
