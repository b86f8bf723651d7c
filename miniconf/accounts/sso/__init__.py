"""Signing in with an account elsewhere (single sign-on): ORCID, Google, GitHub, and any OpenID Connect issuer.

allauth speaks OAuth 2. What it leaves open is decided here: `openid` checks the id_token itself, `identities` says whose
account an identity opens, `configured` reads the operator's settings.
"""
