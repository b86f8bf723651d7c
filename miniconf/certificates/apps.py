from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    name = "miniconf.certificates"
    label = "certificates"

    def ready(self) -> None:
        from . import noting

        noting.connect()
