"""What organizers choose for the site as a whole: settings, look, menu, words of mails; setting up and the checklist."""
