from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "miniconf.feedback"
    label = "feedback"
