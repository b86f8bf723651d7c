"""What organizers look at while a conference runs: today, and numbers (docs/console.md)."""
