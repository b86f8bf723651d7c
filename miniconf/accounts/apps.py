from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "miniconf.accounts"
    label = "accounts"
