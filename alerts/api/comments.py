"""What people and programs say about an alert."""

from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api.access import caller
from alerts.api.alerts import find
from alerts.api.asking import Paged, answered, checked, page, parameters
from alerts.api.endpoint import Endpoint
from alerts.api.operation import operation, paged
from alerts.api.tell_alerts import CommentOut
from alerts.choices import Scope
from alerts.models import Comment
from alerts.services import comments


class Said(serializers.Serializer[Any]):
    """A comment."""

    text = serializers.CharField(max_length=comments.MAX_LENGTH)
    in_ticket = serializers.BooleanField(default=False, help_text="Say it in the alert's ticket, too.")


class Comments(Endpoint):
    """The comments on an alert."""

    needs: ClassVar = {"GET": Scope.ALERTS_READ, "POST": Scope.ALERTS_COMMENT}

    @operation("comments_list", paged(CommentOut), parameters=parameters(Paged), refuses=[404])
    def get(self, request: Request, pk: int) -> Response:
        """List the comments on an alert, newest first."""
        wanted = checked(Paged(request.query_params), request.query_params)
        found = page(request, find(pk).comments.select_related("author__user"), wanted)
        return answered(CommentOut, found)

    @operation("comments_add", CommentOut, status=201, asks=Said, refuses=[404, 409])
    def post(self, request: Request, pk: int) -> Response:
        """Comment on an alert, and in its ticket if that is asked."""
        asked = self.asked(Said)
        comment = comments.add(pk, caller(request), text=asked["text"], in_ticket=asked["in_ticket"])
        return Response(CommentOut(comment).data, status=status.HTTP_201_CREATED)


class OneComment(Endpoint):
    """One comment."""

    needs: ClassVar = {"DELETE": Scope.ALERTS_COMMENT}

    @operation("comments_remove", None, status=204, refuses=[404])
    def delete(self, request: Request, pk: int, comment: int) -> Response:
        """Take an own comment back: its words are erased. What has reached the ticket stays there."""
        if not Comment.objects.filter(pk=comment, alert_id=pk).exists():
            raise NotFound("There is no such comment on this alert.")
        comments.remove(comment, caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
