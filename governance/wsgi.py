"""The WSGI application that the web server runs."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

application = get_wsgi_application()

# Django imports the views with the first request, which would wait seconds for them.
get_resolver().url_patterns  # noqa: B018

# All that is loaded by now stays to the end: the collector would go through half a million things in vain, in the
# midst of a request.
gc.collect()
gc.freeze()
