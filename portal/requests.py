"""What a view needs to know of a request."""

from django.http import HttpRequest

from governance.models import User


class PortalRequest(HttpRequest):
    """The request of someone who is signed in."""

    user: User


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page. A boosted link and a history restore get the whole page."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )
