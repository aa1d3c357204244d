"""POST /v1/superdesk: the HTTP Push of Superdesk as it is.

Items of ninjs as application/json, without an id in the path, signed with HMAC-SHA1 in `x-superdesk-signature` where
Superdesk's destination has a secret. What has no text is answered 200, or Superdesk would send it again; associations
are ignored.
"""

import hashlib
import hmac

from aiohttp import web

from wirecopy.errors import InvalidArticle, NotText
from wirecopy.schema.formats import ninjs
from wirecopy.schema.wire import SkippedItem
from wirecopy.web.handlers.articles import answer_verdict, parse_item
from wirecopy.web.http import replies
from wirecopy.web.http.call import Call, check_body_id
from wirecopy.web.http.problems import NotAuthorized
from wirecopy.web.service import RunningService

_DIGESTS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_WITHOUT_TEXT = "text is missing"


async def post(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/superdesk: the verdict, or what kind of item was skipped. Raises NotAuthorized for a wrong signature."""
    service.owner.check_room()
    data = await call.read_json()
    if service.superdesk_secret is not None:
        _check_signature(service.superdesk_secret, data, call.request.headers.get("x-superdesk-signature", ""))
    warnings: list[str] = []
    try:
        article = check_body_id(await parse_item(service, ninjs.FORMAT, data, warnings))
    except NotText as skipped:
        return replies.json(SkippedItem(skipped.kind))
    except InvalidArticle as error:
        if not str(error).startswith(_WITHOUT_TEXT):
            raise
        return replies.json(SkippedItem("without text"))
    call.id = article.id
    return answer_verdict(call, await service.owner.ingest(article), warnings)


def _check_signature(secret: bytes, data: bytes, signature: str) -> None:
    """Raise NotAuthorized unless the body was signed with the secret."""
    name, _, given = signature.strip().partition("=")
    digest = _DIGESTS.get(name.lower())
    if digest is None or not hmac.compare_digest(hmac.new(secret, data, digest).hexdigest(), given.strip().lower()):
        raise NotAuthorized("x-superdesk-signature is missing, or does not fit the body and the secret")
