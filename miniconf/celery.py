"""The Celery application: queue `gpu` for runs of demos, `default` for mail, imports and upkeep."""

import os

from celery import Celery

from miniconf.processes import presence  # noqa: F401  has each worker and the scheduler say that they live

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "miniconf.settings")

app = Celery("miniconf")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="import_tasks")
