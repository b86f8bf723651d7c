"""The schedule as the viewer sees it: layout of a day, pages of days, a week at a glance, one's own schedule."""
