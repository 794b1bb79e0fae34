"""What every endpoint has in common."""

from collections.abc import Mapping
from datetime import UTC
from io import BytesIO
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from alerts.api import errors
from alerts.api.access import MayDoIt, PerToken, TokenAuthentication
from alerts.api.asking import refuse_unknown
from alerts.choices import Scope

MAX_BODY = 64 * 1024


class SmallJson(JSONParser):
    """Reads at most MAX_BODY bytes; what is nested too deeply to be read is bad input."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body. Raises TooLarge and ParseError."""
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise errors.TooLarge(f"A body has at most {MAX_BODY} bytes.")
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error


class Endpoint(APIView):
    """An address of the API. `needs` is the scope that each method asks for; None lets in whoever has an account."""

    needs: ClassVar[Mapping[str, Scope | None]]

    authentication_classes: Any = (TokenAuthentication, SessionAuthentication)
    permission_classes: Any = (MayDoIt,)
    throttle_classes: Any = (PerToken,)
    renderer_classes: Any = (JSONRenderer,)
    parser_classes = (SmallJson,)
    metadata_class = None
    http_method_names = ("get", "head", "post", "delete")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell and understand times in UTC, in whatever zone the pages are."""
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in, and refuse parameters that the operation does not take."""
        super().initial(request, *args, **kwargs)
        takes = getattr(getattr(self, (request.method or "").lower(), None), "takes", None)
        if takes is not None:
            refuse_unknown(request.query_params, takes)

    def get_exception_handler(self) -> Any:
        """Answer errors in one shape."""
        return errors.answer

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Let nobody on the way keep what is answered."""
        answered = super().finalize_response(request, response, *args, **kwargs)
        answered["Cache-Control"] = "no-store"
        return answered

    def asked(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """Return what the body says, checked. Raises ValidationError, also for names that nobody asked for."""
        if "chunked" in self.request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            raise errors.LengthRequired("Say how long the body is (Content-Length), and do not send it in chunks.")
        body = self.request.data
        form = serializer(data=body)
        unknown = set(body) - set(form.fields) if isinstance(body, Mapping) else ()
        if unknown:
            raise ValidationError({name: ["There is no such field."] for name in unknown})
        form.is_valid(raise_exception=True)
        checked: dict[str, Any] = form.validated_data
        return checked


class NothingHere(Endpoint):
    """Answers every address below /api/ that is none."""

    needs: ClassVar[Mapping[str, Scope | None]] = {}
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse every method alike."""
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address. Each ends with a slash; /api/docs/ lists them all.")

    def get(self, _request: Request, **_: Any) -> Response:
        """Never reached."""
        raise NotFound
