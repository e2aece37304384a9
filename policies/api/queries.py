"""What every address of the app says of its query string."""

from drf_spectacular.utils import OpenApiParameter

from governance import rest


def parameters(kind: type[rest.Body]) -> list[OpenApiParameter]:
    """The query parameters of a list or read, for the OpenAPI document."""
    properties = rest.schema_of(kind)["properties"]
    return [OpenApiParameter(name, schema, OpenApiParameter.QUERY) for name, schema in properties.items()]
