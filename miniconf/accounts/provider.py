"""The kinds of provider that one can sign in with; allauth finds them by this module's name."""

from .sso.github import GitHubProvider
from .sso.openid import OpenIDProvider

provider_classes = [OpenIDProvider, GitHubProvider]
