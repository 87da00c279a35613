"""Django's settings. Everything that an operator may change comes from :mod:`emberwatch.config.environment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.config.environment import Environment, load
from emberwatch.config.logs import logging_config
from emberwatch.config.secrets import session_key
from emberwatch.core.secret import Secret

ENVIRONMENT: Final[Environment] = load()

DEBUG = False
SECRET_KEY = session_key(ENVIRONMENT).expose()
ROOT_URLCONF = "emberwatch.config.urls"
WSGI_APPLICATION = "emberwatch.config.wsgi.application"
PIPELINE = "emberwatch.pipeline.FACTS"
SAFEGUARDS = "emberwatch.pipeline.SAFEGUARDS"
WITNESSES = "emberwatch.pipeline.WITNESSES"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "csp",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
    "emberwatch.accounts",
    "emberwatch.tenants",
    "emberwatch.vault",
    "emberwatch.audit",
    "emberwatch.directories",
    "emberwatch.identities",
    "emberwatch.exposures",
    "emberwatch.validation",
    "emberwatch.ingestion",
    "emberwatch.remediation",
    "emberwatch.alerts",
    "emberwatch.engine",
    "emberwatch.web",
]

MIDDLEWARE = [
    "emberwatch.web.middleware.number_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "emberwatch.web.middleware.no_store",
    "emberwatch.web.middleware.explain_errors",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent.parent / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "emberwatch.web.context.shell",
            ],
            "builtins": ["emberwatch.web.templatetags.emberwatch"],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]


def _database(environment: Environment) -> dict[str, Any]:
    shared = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    if environment.database_url is None:
        return shared | EmbeddedPostgres(environment.data_dir).settings()
    return shared | _parts(environment.database_url)


def _parts(url: Secret) -> dict[str, Any]:
    parts = urlsplit(url.expose())
    return {
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


DATABASES = {"default": _database(ENVIRONMENT)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "emberwatch.accounts.adapter.ClosedAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# Walls around the browser
_BASE = urlsplit(ENVIRONMENT.base_url or "")
_OVER_TLS = _BASE.scheme == "https"
ALLOWED_HOSTS = [_BASE.hostname] if _BASE.hostname else ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_BASE.scheme}://{_BASE.netloc}"] if _BASE.hostname else []
SESSION_COOKIE_NAME = "emberwatch_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _OVER_TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _OVER_TLS else 0
# TLS usually ends at a reverse proxy, which must set this header itself and drop a client's own.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _OVER_TLS else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # Tabler's style sheet holds its small pictures as data.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# No form takes a file but the import, whose view streams it into a sealed spool: nothing reaches a temporary file.
FILE_UPLOAD_HANDLERS = ["emberwatch.web.uploads.NoFileHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

STATIC_URL = "static/"
STATICFILES_DIRS = [Path(__file__).parent.parent / "web" / "static"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = None
logging_config()
