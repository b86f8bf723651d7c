"""The site's processes: their command lines, the supervisor behind `manage.py up`, and how they say that they live."""
