"""All settings of miniconf: each comes from the environment, each has a working default and a line of explanation."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from demos.packages import folders as folders_of_demo_packages
from miniconf.accounts.sso.configured import providers_from
from miniconf.broker import socket_url
from miniconf.environment import Environment, writable_folder
from miniconf.processes.instance import running_site

django_stubs_ext.monkeypatch()  # lets ModelAdmin[Paper] and the like be written at run time

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent

# Folder for database, media, broker state and logs. Two instances with different folders run side by side.
DATA_DIR = writable_folder(
    "MINICONF_DATA", Path(env.str("MINICONF_DATA", default=str(BASE_DIR / "var"))).expanduser().resolve()
)

# Where the site listens. Commands beside a running site take its address from it.
_running = running_site(DATA_DIR) or {}
PORT = env.int("PORT", default=_running.get("port", 8000))
HOST = env.str("HOST", default="127.0.0.1")
# The address people type; with https everything that needs it (secure cookies, HSTS, redirect) is turned on.
_site_url = _running["site_url"] if _running.get("port") == PORT else f"http://localhost:{PORT}"
SITE_URL = env.str("SITE_URL", default=_site_url).rstrip("/")
HTTPS = SITE_URL.startswith("https://")

DEBUG = env.bool("DEBUG", default=False)


def _kept_secret(name: str) -> str:
    """A random secret, made at the first start and kept in the data folder, readable by its owner only."""
    path = DATA_DIR / name
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip() or secrets.token_urlsafe(48)


# Signs sessions and links. Several machines need the same one: set it there.
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret("secret_key")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", urlsplit(SITE_URL).hostname])
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "miniconf",
    "miniconf.accounts",
    "miniconf.people",
    "miniconf.console",
    "miniconf.feedback",
    "miniconf.announcing",
    "miniconf.certificates",
    "miniconf.closing",
    "miniconf.live",
    "papers",
    "chat",
    "demos",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "miniconf.serving.apps.CollectedFilesConfig",  # django.contrib.staticfiles
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "channels",
    "csp",
    "django_htmx",
    "ninja",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "miniconf.serving.compress.CompressPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "miniconf.middleware.ViewerMiddleware",
]

# Other sites whose pages may use the API in the browser ("https://lab.example"; "*": all), with tokens or as visitors, never
# with anybody's session. Everything else of the site stays its own.
API_ORIGINS = env.list("API_ORIGINS", default=[])
CORS_ALLOW_ALL_ORIGINS = "*" in API_ORIGINS
CORS_ALLOWED_ORIGINS = [origin.rstrip("/") for origin in API_ORIGINS if origin != "*"]
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "last-event-id"]
CORS_EXPOSE_HEADERS = ["Retry-After"]
if API_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

ROOT_URLCONF = "miniconf.urls"
ASGI_APPLICATION = "miniconf.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", *folders_of_demo_packages("templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["miniconf.templatetags.addresses"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "miniconf.context.site",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

# --- Database: SQLite (WAL, immediate transactions) unless DATABASE_URL names another -----------------------------
# e.g. postgres://miniconf:secret@db:5432/miniconf
DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{quote(str(DATA_DIR / 'miniconf.sqlite3'))}")}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = None  # threads are few and stay: each keeps its connection
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # writers queue up instead of failing half-way
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # a file, since threads and processes share it
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Threads that run synchronous code (views, ORM calls of sockets) in a web process; each holds one connection.
WEB_THREADS = env.int("WEB_THREADS", default=8)
WEB_PROCESSES = env.int("WEB_PROCESSES", default=1)
# Visitors' pages are kept in each web process's memory, for so long at most, unless they change before; 0 keeps none.
PAGE_CACHE_SECONDS = env.int("PAGE_CACHE_SECONDS", default=0 if DEBUG else 60)
PAGE_CACHE_BYTES = env.int("PAGE_CACHE_BYTES", default=32_000_000)

# --- Broker: Valkey or Redis. `manage.py up` starts one in the data folder unless REDIS_URL names another ----------
# Database 0 carries the queue and everything live.
REDIS_URL = env.str("REDIS_URL", default="") or socket_url(DATA_DIR / "broker")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
# Channels gives sockets their protocol; messages travel through miniconf.live (one subscription per process),
# so the channel layer carries nothing. See docs/architecture.md, "Live".
CHANNEL_LAYERS: dict[str, dict[str, object]] = {}

_celery_redis = REDIS_URL.replace("unix://", "redis+socket://")
CELERY_BROKER_URL = _celery_redis
CELERY_TASK_IGNORE_RESULT = True  # results are rows: a run, an import
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "demos.tasks.execute_run": {"queue": "gpu"},
    "papers.tasks.embed_papers": {"queue": "gpu"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_keepalive": True, "visibility_timeout": 6 * 3600}
CELERY_TASK_PUBLISH_RETRY = False  # a dead broker is an error the caller sees at once
CELERY_IMPORTS = [
    "papers.seat_tasks",
    "papers.announcement_tasks",
    "papers.reminder_tasks",
    "chat.moderation_tasks",
]  # besides each app's tasks.py
CELERY_TIMEZONE = "UTC"
# Celery closes the database after each task. Opening SQLite costs more than many tasks do; on a server each of a worker's
# threads would hold on to a connection.
CELERY_DB_REUSE_MAX = 10_000 if _database["ENGINE"] == "django.db.backends.sqlite3" else None
CELERY_BEAT_SCHEDULE = {
    "recover-lost-runs": {"task": "demos.tasks.recover_lost_runs", "schedule": 5.0, "options": {"expires": 10}},
    "update-similarity": {"task": "papers.tasks.update_similarity", "schedule": 600.0, "options": {"expires": 600}},
    "send-reminders": {"task": "papers.reminder_tasks.send_reminders", "schedule": 60.0, "options": {"expires": 60}},
    "fill-free-seats": {"task": "papers.seat_tasks.fill_free_seats", "schedule": 60.0, "options": {"expires": 60}},
    "mail-notifications": {"task": "chat.tasks.mail_notifications", "schedule": 60.0, "options": {"expires": 60}},
    "read-mail": {"task": "chat.tasks.read_mail", "schedule": 60.0, "options": {"expires": 60}},
    "index-messages": {"task": "chat.tasks.index_messages", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget-old-mail": {"task": "chat.tasks.forget_old_mail", "schedule": 24 * 3600.0},
    "tell-announcements": {
        "task": "papers.announcement_tasks.tell_what_changed",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "resume-imports": {"task": "papers.import_tasks.resume_imports", "schedule": 30.0, "options": {"expires": 30}},
    "forget-old-imports": {"task": "papers.import_tasks.forget_old_imports", "schedule": 24 * 3600.0},
    "forget-unfinished-uploads": {"task": "papers.import_tasks.forget_unfinished_uploads", "schedule": 24 * 3600.0},
    "apply-chat-retention": {"task": "chat.moderation_tasks.apply_retention", "schedule": 24 * 3600.0},
    "keep-numbers": {"task": "miniconf.console.tasks.keep_numbers", "schedule": 300.0, "options": {"expires": 300}},
    "send-announcements": {
        "task": "miniconf.announcing.tasks.send_announcements",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "send-invitations": {
        "task": "miniconf.people.tasks.send_invitations",
        "schedule": 120.0,
        "options": {"expires": 120},
    },
    "look-after-archives": {
        "task": "miniconf.closing.tasks.look_after_archives",
        "schedule": 120.0,
        "options": {"expires": 120},
    },
    "send-thanks": {"task": "miniconf.closing.tasks.send_thanks", "schedule": 120.0, "options": {"expires": 120}},
    "apply-retention": {
        "task": "miniconf.closing.tasks.apply_retention",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "forget-unused-accounts": {"task": "miniconf.accounts.tasks.forget_unused_accounts", "schedule": 24 * 3600.0},
}

# --- Conversation ----------------------------------------------------------------------------------------------------
# Reports of so many different people hide a message until a moderator has looked at it; 0: never.
CHAT_REPORTS_TO_HIDE = env.int("CHAT_REPORTS_TO_HIDE", default=3)
# Texts of messages older than this are removed, their places stay; 0: they are kept for ever.
CHAT_RETENTION_DAYS = env.int("CHAT_RETENTION_DAYS", default=0)

# --- Models and the GPU worker ---------------------------------------------------------------------------------------
# "auto" takes CUDA where there is one. Threads: on a small machine the second thread buys little, and the site needs it.
ENGINE_DEVICE = env.str("ENGINE_DEVICE", default="auto")
ENGINE_THREADS = env.int("ENGINE_THREADS", default=1)
# People served at once by one worker.
ENGINE_SLOTS = env.int("ENGINE_SLOTS", default=16)
# Megabytes of weights a worker keeps in memory (0: no bound), models that stay there, whether names like "org/model" are
# fetched from the hub, and models whose own Python files are run: only name those whose code you have read.
ENGINE_MEMORY_MB = env.int("ENGINE_MEMORY_MB", default=0)
ENGINE_PINNED = env.list("ENGINE_PINNED", default=[])
ENGINE_HUB = env.bool("ENGINE_HUB", default=False)
ENGINE_TRUSTED_CODE = env.list("ENGINE_TRUSTED_CODE", default=[])
# "auto": bfloat16 on CUDA, float32 on a CPU. Graphs: steps on CUDA are recorded once and replayed.
ENGINE_DTYPE = env.str("ENGINE_DTYPE", default="auto")
ENGINE_GRAPHS = env.bool("ENGINE_GRAPHS", default=True)
# On a CPU a second copy of a model's matrices is laid out as the processor reads them best.
ENGINE_PACKED = env.bool("ENGINE_PACKED", default=True)
# Models behind OpenAI-compatible servers: name=http://host:8000/v1#name-there,... (docs/engine.md); MODEL_BACKEND_KEY is
# the key they want.
MODEL_BACKENDS = env.dict("MODEL_BACKENDS", default={})
# How many runs may wait before new ones are refused.
RUN_QUEUE_LIMIT = env.int("RUN_QUEUE_LIMIT", default=500)
# Per account, and per address for visitors: a whole institute may come from one address.
RUNS_AT_ONCE_PER_PERSON = env.int("RUNS_AT_ONCE_PER_PERSON", default=32)
RUN_RATE_ANONYMOUS = env.str("RUN_RATE_ANONYMOUS", default="300/minute")
RUN_RATE_PERSON = env.str("RUN_RATE_PERSON", default="600/minute")
# A run whose viewers have left is stopped after so many seconds, unless it is to be kept; 0: never. Web processes say every
# 15 seconds at the latest who watches what, so this should be a good deal more.
RUN_GRACE_SECONDS = env.int("RUN_GRACE_SECONDS", default=60)
# Messages: beyond what anybody types; pasted floods and loops end here. In one room, all people together.
CHAT_RATE_PERSON = env.str("CHAT_RATE_PERSON", default="30/minute")
CHAT_RATE_ROOM = env.str("CHAT_RATE_ROOM", default="600/minute")
# Folder of model folders shipped with the site; a demo names one of them.
MODELS_DIR = Path(env.str("MODELS_DIR", default=str(BASE_DIR / "demos" / "checkpoints")))
# The sentence embedding model that finds similar papers (docs/similarity.md): a folder, the name of a package that holds
# one, or an id of the Hugging Face hub. Without one TF-IDF stands in.
SIMILARITY_MODEL = env.str("SIMILARITY_MODEL", default="")

# --- People ------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "miniconf.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 900
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_FORMS = {
    "request_login_code": "miniconf.accounts.forms.RequestCodeForm",
    "confirm_login_code": "miniconf.accounts.forms.ConfirmCodeForm",
}
# Single sign-on (docs/operating.md): ORCID_CLIENT_ID and ORCID_CLIENT_SECRET, the same for GOOGLE_ and GITHUB_, and any
# other OpenID Connect issuer by OIDC_ISSUERS.
SIGN_IN_PROVIDERS = providers_from(env)
SOCIALACCOUNT_ADAPTER = "miniconf.accounts.sso.adapter.SignInAdapter"
ACCOUNT_PREVENT_ENUMERATION = True  # whether an address has an account is told to its owner only, by mail
# Sign-in is limited by address: behind a proxy the client's is the last one in X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.bool("BEHIND_PROXY", default=False) else 0
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 30 * 24 * 3600
# Shown next to the sign-in form of a site run on one's own machine: mails are kept in DATA_DIR/mail.
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    globals().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="miniconf <noreply@localhost>")

# Mail in (docs/operating.md): answers to notifications come back to reply+<token>@REPLY_DOMAIN; without it nobody is told
# that they may answer by mail. They are fetched from a mailbox, imaps://user:password@host:993/INBOX, or brought by a mail
# provider that knows the secret.
REPLY_DOMAIN = env.str("REPLY_DOMAIN", default="")
IMAP_URL = env.str("IMAP_URL", default="")
INBOUND_SECRET = env.str("INBOUND_SECRET", default="")
# How the mail server that takes these mails names itself in Authentication-Results. Set, every mail must have its verdict.
MAIL_AUTHSERV_ID = env.str("MAIL_AUTHSERV_ID", default="")

# --- Language, time, files -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static", *folders_of_demo_packages("static")]
# Where `prepare` puts the files served below /static/; an image has them built in.
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "miniconf.serving.storage.ModuleStaticFilesStorage"},
}

# --- Security ------------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "https:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "media-src": ["'self'"],
        # Posters and slides (PDF) of this site; video players of other sites, framed only after a click.
        "frame-src": [
            "'self'",
            "https://www.youtube-nocookie.com",
            "https://player.vimeo.com",
            "https://slideslive.com",
            "https://player.bilibili.com",
        ],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Cookies ignore ports: instances side by side on one host must not share theirs.
SESSION_COOKIE_NAME = "session" if HTTPS else f"session_{PORT}"
CSRF_COOKIE_NAME = "csrf" if HTTPS else f"csrf_{PORT}"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
MAX_REQUEST_BYTES = 250_000_000  # whole request, uploads included

# --- Metrics -------------------------------------------------------------------------------------------------------------
# Whoever sends it as bearer token reads /metrics; without one nobody does.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Logs ----------------------------------------------------------------------------------------------------------------
# text, or json: one object a line, for machines that collect logs.
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; expected text or json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "miniconf.observing.logs.AddContext"}},
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s%(context)s"},
        "json": {"()": "miniconf.observing.logs.JsonLines"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "httpx": {"level": "WARNING"},
        # Upkeep runs every few seconds: only what goes wrong with tasks is told.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
