"""
Everything that is configured, in one module.

Each value comes from the environment (or, for secrets, from the file that NAME_FILE names), then from the sandbox's
`world.env` where one lies, then from the default here. A wrong value stops the start with a sentence that names it.
`docs/settings.md` lists every variable; a test fails when one is missing there.
"""

import os
from pathlib import Path
from zoneinfo import available_timezones

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate
from environs.exceptions import EnvError

from oktadetect.logs import logging_config

django_stubs_ext.monkeypatch()  # lets ModelAdmin[Monitor] and the like be written at run time too

BASE_DIR = Path(__file__).resolve().parent.parent

SANDBOX_DIR = Path(os.environ.get("SANDBOX_DIR", BASE_DIR / ".sandbox"))


def read_environment() -> Env:
    """Return a reader over the process environment, secrets in files, and the sandbox's addresses, in that order."""
    for name in [name for name in os.environ if name.endswith("_FILE")]:
        plain = name.removesuffix("_FILE")
        if plain in SECRETS and plain not in os.environ:
            try:
                os.environ[plain] = Path(os.environ[name]).read_text().strip()
            except OSError as error:
                raise ImproperlyConfigured(f"{name} names a file that cannot be read: {error}") from error
    reader = Env()
    world = SANDBOX_DIR / "world.env"
    if world.is_file():
        reader.read_env(str(world), recurse=False, override=False)
    return reader


SECRETS = frozenset(
    {
        "OKTADETECT_SECRET_KEY",
        "DATABASE_URL",
        "CELERY_BROKER_URL",
        "OPENSEARCH_PASSWORD",
        "JIRA_TOKEN",
        "JIRA_WEBHOOK_PATH",
        "JIRA_WEBHOOK_SECRET",
    }
)

env = read_environment()

POSITIVE, NOT_NEGATIVE = validate.Range(min=1), validate.Range(min=0)

try:
    DEBUG = env.bool("OKTADETECT_DEBUG", False)
    SECRET_KEY = env.str("OKTADETECT_SECRET_KEY")
    SECRET_KEY_FALLBACKS: list[str] = env.list("OKTADETECT_SECRET_KEY_FALLBACKS", [])
    ALLOWED_HOSTS = env.list("OKTADETECT_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
    CSRF_TRUSTED_ORIGINS: list[str] = env.list("OKTADETECT_TRUSTED_ORIGINS", [])
    DATABASES = {
        "default": env.dj_db_url("DATABASE_URL", conn_max_age=60, conn_health_checks=True),
    }
    CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")

    OPENSEARCH_URL = env.str("OPENSEARCH_URL", "")
    OPENSEARCH_USER = env.str("OPENSEARCH_USER", "")
    OPENSEARCH_PASSWORD = env.str("OPENSEARCH_PASSWORD", "")
    OPENSEARCH_CA_FILE = env.str("OPENSEARCH_CA_FILE", "")
    OPENSEARCH_CLIENT_CERT = env.str("OPENSEARCH_CLIENT_CERT", "")
    OPENSEARCH_CLIENT_KEY = env.str("OPENSEARCH_CLIENT_KEY", "")
    OPENSEARCH_TIMEOUT_SECONDS = env.float("OPENSEARCH_TIMEOUT_SECONDS", 10.0, validate=validate.Range(min=0.1))

    JIRA_URL = env.str("JIRA_URL", "")
    JIRA_USER = env.str("JIRA_USER", "")
    JIRA_TOKEN = env.str("JIRA_TOKEN", "")
    JIRA_PROJECT = env.str("JIRA_PROJECT", "SEC")
    JIRA_ISSUE_TYPE = env.str("JIRA_ISSUE_TYPE", "Task")
    JIRA_API_VERSION = env.int("JIRA_API_VERSION", 2, validate=validate.OneOf([2, 3], error="It is 2 or 3."))
    JIRA_PRIORITIES = env.list("JIRA_PRIORITIES", ["Highest", "High", "Medium", "Low", "Lowest"])
    JIRA_CA_FILE = env.str("JIRA_CA_FILE", "")
    JIRA_CONNECT_TIMEOUT_SECONDS = env.float("JIRA_CONNECT_TIMEOUT_SECONDS", 3.0, validate=validate.Range(min=0.1))
    JIRA_READ_TIMEOUT_SECONDS = env.float("JIRA_READ_TIMEOUT_SECONDS", 20.0, validate=validate.Range(min=0.1))
    JIRA_WEBHOOK_PATH = env.str("JIRA_WEBHOOK_PATH", "")
    JIRA_WEBHOOK_SECRET = env.str("JIRA_WEBHOOK_SECRET", "")
    JIRA_INDEX_LAG_SECONDS = env.int("JIRA_INDEX_LAG_SECONDS", 120, validate=NOT_NEGATIVE)

    OKTADETECT_API_REQUESTS_PER_MINUTE = env.int("OKTADETECT_API_REQUESTS_PER_MINUTE", 600, validate=POSITIVE)
    OKTADETECT_URL = env.str("OKTADETECT_URL", "").rstrip("/")
    OKTADETECT_WEBHOOK_URL = env.str("OKTADETECT_WEBHOOK_URL", "http://127.0.0.1:8000").rstrip("/")
    OKTADETECT_WEBHOOK_MAX_BYTES = env.int("OKTADETECT_WEBHOOK_MAX_BYTES", 16 * 1024 * 1024, validate=POSITIVE)
    OKTADETECT_INDEX_PATTERN = env.str("OKTADETECT_INDEX_PATTERN", "okta-system-log-*")
    OKTADETECT_GEOIP_FILE = env.str("OKTADETECT_GEOIP_FILE", "")
    OKTADETECT_HEARTBEAT_SECONDS = env.int("OKTADETECT_HEARTBEAT_SECONDS", 300, validate=POSITIVE)
    OKTADETECT_FAULT_TICKET_SECONDS = env.int("OKTADETECT_FAULT_TICKET_SECONDS", 900, validate=NOT_NEGATIVE)
    OKTADETECT_INDEX_QUIET_SECONDS = env.int("OKTADETECT_INDEX_QUIET_SECONDS", 3600, validate=NOT_NEGATIVE)
    OKTADETECT_COMMENT_MINUTES = env.int("OKTADETECT_COMMENT_MINUTES", 60, validate=NOT_NEGATIVE)
    OKTADETECT_SCORE_NEEDED = env.int("OKTADETECT_SCORE_NEEDED", 6, validate=POSITIVE)
    OKTADETECT_SCORE_HOURS = env.int("OKTADETECT_SCORE_HOURS", 24, validate=POSITIVE)
    OKTADETECT_RESPONDERS: list[str] = env.list("OKTADETECT_RESPONDERS", [])
    OKTADETECT_REOPEN_HOURS = env.int("OKTADETECT_REOPEN_HOURS", 24, validate=NOT_NEGATIVE)
    JIRA_FINAL_RESOLUTIONS = env.list("JIRA_FINAL_RESOLUTIONS", ["Won't Fix", "Won't Do", "Duplicate"])
    OKTADETECT_LINK_HOURS = env.int("OKTADETECT_LINK_HOURS", 24, validate=POSITIVE)
    OKTADETECT_KEEP_DELIVERIES_MONTHS = env.int("OKTADETECT_KEEP_DELIVERIES_MONTHS", 12, validate=NOT_NEGATIVE)
    OKTADETECT_REHEARSE_EVERY_DAYS = env.int("OKTADETECT_REHEARSE_EVERY_DAYS", 0, validate=NOT_NEGATIVE)
    OKTADETECT_JIRA_REQUESTS_PER_SECOND = env.float(
        "OKTADETECT_JIRA_REQUESTS_PER_SECOND", 10.0, validate=validate.Range(min=0.1)
    )
    OKTADETECT_JIRA_UNSETTLED_MINUTES = env.int("OKTADETECT_JIRA_UNSETTLED_MINUTES", 30, validate=NOT_NEGATIVE)
    OKTADETECT_JIRA_REHEARSAL_PROJECT = env.str("OKTADETECT_JIRA_REHEARSAL_PROJECT", "")
    OKTADETECT_JIRA_CLOSE_POLICY = env.str(
        "OKTADETECT_JIRA_CLOSE_POLICY", "both", validate=validate.OneOf(["both", "to_jira", "from_jira", "none"])
    )
    OKTADETECT_JIRA_RESOLUTION = env.str("OKTADETECT_JIRA_RESOLUTION", "")
    OKTADETECT_OKTA_ADMIN_URL = env.str("OKTADETECT_OKTA_ADMIN_URL", "").rstrip("/")
    OKTADETECT_SECURE_COOKIES = env.bool("OKTADETECT_SECURE_COOKIES", not DEBUG)
    OKTADETECT_LOG_FORMAT = env.str(
        "OKTADETECT_LOG_FORMAT", "console" if DEBUG else "json", validate=validate.OneOf(["console", "json"])
    )
    TIME_ZONE = env.str(
        "OKTADETECT_TIME_ZONE", "UTC", validate=validate.OneOf(available_timezones(), error="{input} is none.")
    )
    SECURE_SSL_REDIRECT = env.bool("OKTADETECT_SSL_REDIRECT", False)
    SECURE_HSTS_SECONDS = env.int("OKTADETECT_HSTS_SECONDS", 0, validate=NOT_NEGATIVE)
    OKTADETECT_BEHIND_TLS_PROXY = env.bool("OKTADETECT_BEHIND_TLS_PROXY", False)
except EnvError as error:
    raise ImproperlyConfigured(f"{error} See docs/settings.md, or start a sandbox: make demo.") from error

if len(JIRA_PRIORITIES) != 5:
    raise ImproperlyConfigured("JIRA_PRIORITIES takes five names, for severities 1 to 5, separated by commas.")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "OKTADETECT_SECRET_KEY is empty: give it a long random value, the same on every process."
    )
for name, url in {
    "OPENSEARCH_URL": OPENSEARCH_URL,
    "JIRA_URL": JIRA_URL,
    "OKTADETECT_URL": OKTADETECT_URL,
    "OKTADETECT_WEBHOOK_URL": OKTADETECT_WEBHOOK_URL,
    "OKTADETECT_OKTA_ADMIN_URL": OKTADETECT_OKTA_ADMIN_URL,
}.items():
    if url and not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name} must start with http:// or https://.")
    if "@" in url.partition("://")[2].partition("/")[0]:  # pages and logs name addresses
        raise ImproperlyConfigured(f"{name} must hold no user and no password; they have settings of their own.")
for name, file in {
    "OPENSEARCH_CA_FILE": OPENSEARCH_CA_FILE,
    "OPENSEARCH_CLIENT_CERT": OPENSEARCH_CLIENT_CERT,
    "OPENSEARCH_CLIENT_KEY": OPENSEARCH_CLIENT_KEY,
    "JIRA_CA_FILE": JIRA_CA_FILE,
}.items():
    if file and not os.access(file, os.R_OK):
        raise ImproperlyConfigured(f"{name} names {file}, which is no file that can be read.")

# Where people open the portal; the webhook is served by the same processes unless OKTADETECT_URL says otherwise.
PORTAL_URL = OKTADETECT_URL or OKTADETECT_WEBHOOK_URL

# Seconds to connect, and ms after which a connection whose other end went silent is given up: else it would hang for a quarter of an hour.
DATABASES["default"].setdefault("OPTIONS", {}).update({"connect_timeout": 5, "tcp_user_timeout": 10_000})
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "core.apps.CoreConfig",
    "alerts.apps.AlertsConfig",  # before monitors: its commands `detections` and `monitors` add to those of monitors
    "monitors.apps.MonitorsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "oktadetect.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.zones.reader_zone",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "oktadetect.urls"
WSGI_APPLICATION = "oktadetect.wsgi.application"
ASGI_APPLICATION = "oktadetect.asgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "alerts:queue"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "alerts.views.frame.frame",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "core.auth.OneQueryBackend"]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = OKTADETECT_SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# OpenSearch follows no redirect, and neither do probes: over plain HTTP they would get nowhere.
SECURE_REDIRECT_EXEMPT = [r"^okta-detections$", r"^jira-events/", r"^livez$", r"^readyz$"]
# Whether other hosts of the domain want HSTS, and browsers' lists of it, is not for this one to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if OKTADETECT_BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
# The webhook measures bodies itself, before they are read; forms of the portal are small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "alerts.api.schema.OperationSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "oktadetect",
    "DESCRIPTION": "Alerts on Okta: listed, read, decided, commented and measured by programs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",  # the first in which a bearer token has scopes
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["alerts.api.schema.only_ours"],
    "POSTPROCESSING_HOOKS": ["alerts.api.schema.without_marks"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "TAGS": [
        {"name": "alerts", "description": "Alerts, their evidence, what is decided and said about them."},
        {"name": "entities", "description": "Users, addresses, devices, sessions and applications."},
        {"name": "cases", "description": "Alerts worked as one, and their tickets."},
        {"name": "suppressions", "description": "Rules by which alerts ask nobody for anything."},
        {"name": "monitors", "description": "What runs in OpenSearch, and what is wrong with it."},
        {"name": "measures", "description": "How well alerts are found and worked."},
        {"name": "pipeline", "description": "What comes in, and what goes out to Jira."},
        {"name": "me", "description": "Who is calling."},
    ],
}

LOGGING = logging_config(OKTADETECT_LOG_FORMAT)
