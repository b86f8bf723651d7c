"""What people thought of a session or the conference: questions that organizers set, answers, and what they add up to."""
