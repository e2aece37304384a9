"""Every setting of Assay. Each environment variable is read once, here, and explained in docs/configuration.md."""

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.schedules import crontab

from governance import embedded, environment, stores

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(environment.text("ASSAY_DATA", str(BASE_DIR / "var"))).resolve()

# --- Trust ---------------------------------------------------------------------------------------------------------
SECRET_KEY = environment.secret("ASSAY_SECRET_KEY", DATA_DIR / "secrets" / "secret_key")
DEBUG = environment.flag("ASSAY_DEBUG", default=False)
PUBLIC_URL = environment.text("ASSAY_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
if not PUBLIC_URL.startswith(("http://", "https://")):
    raise environment.BadSetting("ASSAY_PUBLIC_URL", f"{PUBLIC_URL!r} starts with neither http:// nor https://.")
_secure = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = environment.hosts("ASSAY_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if _secure else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _secure else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Applications --------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "governance",
    "lineage",
    "policies",
    "integrations",
    "assessments",
    "portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "governance.middleware.unavailable_is_503",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "governance.middleware.content_security_policy",
]
ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"
# A redirect turns a POST into a GET and loses the event, so both spellings are routed instead.
APPEND_SLASH = False
# The receiver bounds bodies itself while it reads them (see LINEAGE_*); this is for forms.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
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
            ]
        },
    }
]

# --- Storage -------------------------------------------------------------------------------------------------------
# "owner" owns the tables and migrates; "default" is the application's own role, which may not change what is
# append-only. Web and worker processes in production need only DATABASE_APP_URL.
_owner_url = environment.text("DATABASE_URL") or embedded.url(DATA_DIR)
_app_url = environment.text("DATABASE_APP_URL")
_owner = environment.database("DATABASE_URL", _owner_url)
if _app_url:
    _app = environment.database("DATABASE_APP_URL", _app_url)
else:
    _password = hmac.new(SECRET_KEY.encode(), b"assay database role", hashlib.sha256).hexdigest()
    # Roles are shared by all databases of a server, so the name tells whose this one is.
    _app = _owner | {"USER": f"{_owner['NAME']}_app", "PASSWORD": _password}
# Whether the application's password is ours to set.
DATABASE_APP_IS_OURS = not _app_url
_pool_size = environment.number("ASSAY_DATABASE_POOL", 0, minimum=0, maximum=500)
_pool: dict[str, Any] = {"pool": {"min_size": 1, "max_size": _pool_size, "timeout": 4}} if _pool_size else {}
_options = {"connect_timeout": "5", "application_name": "assay"}
DATABASES: dict[str, dict[str, Any]] = {
    "default": _app
    | {
        "OPTIONS": _options | dict(_app["OPTIONS"]) | _pool,  # type: ignore[call-overload]
        "CONN_MAX_AGE": 0 if _pool_size else None,
        # Trying a pooled connection before each request costs a round trip; see governance.database.renew_pool.
        "CONN_HEALTH_CHECKS": not _pool_size,
        "TEST": {"MIRROR": "owner"},
    },
    "owner": _owner | {"OPTIONS": _options | dict(_owner["OPTIONS"]), "CONN_MAX_AGE": None},  # type: ignore[call-overload]
}
DATABASE_ROUTERS = ["governance.database.Router"]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "governance.staticfiles.Storage"},
    **stores.storages("ASSAY_EVIDENCE_STORE", environment.text("ASSAY_EVIDENCE_STORE")),
}

# --- People --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "governance.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "assets"
LOGOUT_REDIRECT_URL = "sign-in"

# --- API -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.rest.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["governance.rest.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "governance.rest.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assay",
    "DESCRIPTION": "Governance and maturity-assessment control plane for machine learning.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "governance.openapi.add_problems",
    ],
}
METRICS = ["governance.metrics.Tokens", "lineage.metrics.Backlog", "policies.metrics.Production"]
# Whether /metrics answers without a token.
METRICS_PUBLIC = environment.flag("ASSAY_METRICS_PUBLIC", default=False)
# Bounds of the receiver, in bytes: the body as sent, and what it may expand to.
LINEAGE_MAX_BODY_BYTES = environment.number("ASSAY_MAX_BODY_BYTES", 64_000_000, minimum=1_000, maximum=1_000_000_000)
LINEAGE_MAX_EXPANDED_BYTES = environment.number(
    "ASSAY_MAX_EXPANDED_BYTES", 128_000_000, minimum=1_000, maximum=2_000_000_000
)
# Above this many events not yet in the graph the receiver answers 503 with Retry-After.
LINEAGE_MAX_BACKLOG = environment.number("ASSAY_MAX_BACKLOG", 2_000_000, minimum=1, maximum=1_000_000_000)

# --- Outside systems -----------------------------------------------------------------------------------------------
# The largest delivery, in bytes, as sent and expanded.
DELIVERY_MAX_BYTES = environment.number("ASSAY_MAX_DELIVERY_BYTES", 10_000_000, minimum=1_000, maximum=100_000_000)
# For how many days deliveries are kept as they came.
DELIVERY_DAYS = environment.number("ASSAY_DELIVERY_DAYS", 30, minimum=1, maximum=3_650)
# Networks inside that connections may be made to; everything else that is not public is refused.
OUTGOING_NETWORKS = environment.networks("ASSAY_OUTGOING_NETWORKS")
# Proxies whose word on who sends is believed.
TRUSTED_PROXIES = environment.networks("ASSAY_TRUSTED_PROXIES")

# --- Maturity ------------------------------------------------------------------------------------------------------
# A folder of an organisation's own frameworks and of its choice of which criteria gate.
_frameworks = environment.text("ASSAY_FRAMEWORKS")
FRAMEWORKS_FOLDER = Path(_frameworks) if _frameworks else None
# Whether those who read all answers may have teams ranked; nobody else ever may.
MATURITY_RANKING = environment.flag("ASSAY_RANKING", default=True)
# The largest file of evidence, in bytes.
EVIDENCE_MAX_BYTES = environment.number(
    "ASSAY_MAX_EVIDENCE_BYTES", 10_000_000_000, minimum=1_000, maximum=10_000_000_000_000
)

# Evidence that no promotion names is removed when it came longer ago than this.
EVIDENCE_UNUSED_DAYS = environment.number("ASSAY_EVIDENCE_UNUSED_DAYS", 30, minimum=1, maximum=36_500)
EVIDENCE_TABLES = stores.tables("ASSAY_EVIDENCE_TABLES", environment.text("ASSAY_EVIDENCE_TABLES"))

# --- Background work -----------------------------------------------------------------------------------------------
# Rows are the queue and messages only nudge, so the default broker is a folder that is polled often.
CELERY_BROKER_URL = environment.broker("BROKER_URL", "filesystem://localhost")
_messages = str(DATA_DIR / "broker")
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "data_folder_in": _messages,
        "data_folder_out": _messages,
        "control_folder": f"{_messages}-control",
        "polling_interval": 0.02,
    }
    if CELERY_BROKER_URL.startswith("filesystem:")
    else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # A sweep that nobody took in time is worthless: the next one is on its way.
    "project-events": {
        "task": "lineage.tasks.project",
        "schedule": timedelta(seconds=1),
        "options": {"expires": 5},
    },
    "sweep-promotions": {
        "task": "policies.tasks.sweep",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 10},
    },
    "watch-production": {
        "task": "policies.tasks.watch",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "prune-evidence": {
        "task": "policies.tasks.prune",
        "schedule": crontab(hour="3", minute="50"),
        "options": {"expires": 3_600},
    },
    "translate-deliveries": {
        "task": "integrations.tasks.translate",
        "schedule": timedelta(seconds=2),
        "options": {"expires": 5},
    },
    "carry-out": {
        "task": "integrations.tasks.carry",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 10},
    },
    "poll-systems": {
        "task": "integrations.tasks.poll",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 10},
    },
    "prune-deliveries": {
        "task": "integrations.tasks.prune",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"expires": 3_600},
    },
    "compute-maturity": {
        "task": "assessments.tasks.compute",
        "schedule": crontab(hour="2", minute="30"),
        "options": {"expires": 3_600},
    },
    # Publishes the Monday of the week once; every hour, so that a service that was down then catches up.
    "publish-maturity": {
        "task": "assessments.tasks.publish",
        "schedule": crontab(minute="5"),
        "options": {"expires": 3_000},
    },
    "restate-maturity": {
        "task": "assessments.tasks.restate",
        "schedule": crontab(hour="3", minute="30"),
        "options": {"expires": 3_600},
    },
    "remind-of-answers": {
        "task": "assessments.tasks.remind",
        "schedule": crontab(hour="6", minute="15"),
        "options": {"expires": 3_600},
    },
}

# --- Words and times -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": environment.choice("ASSAY_LOG_LEVEL", "INFO", LOG_LEVELS)},
}
