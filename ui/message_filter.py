"""The websocket between browser and page: which messages of a visitor reach Streamlit, and what it may tell them."""

import re
from collections.abc import Callable

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import EnvironmentInfo, NewSession, UserInfo

from ui.settings import TOKEN_KEY

__all__ = ["MAX_BYTES_BEFORE_LOGIN", "MessageFilter", "filter_message"]

MAX_BYTES_BEFORE_LOGIN = 64 << 10  # of a message before the token was said
MAX_WIDGETS_BEFORE_LOGIN = 8  # the gate has a field and a button
ALLOWED_BEFORE_LOGIN = {"rerun_script", "app_heartbeat", "stop_script"}
ALLOWED_AFTER_LOGIN = ALLOWED_BEFORE_LOGIN | {"file_urls_request", "backend_operation_request"}
REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class MessageFilter:
    """ASGI middleware that drops the messages which the page has no use for, without a word.

    Streamlit itself runs `git`, empties caches, and logs what a message says, for everyone who connects.
    is_in: whether a session has said the token, by its id.
    """

    def __init__(self, app: ASGIApp, is_in: Callable[[str], bool]) -> None:
        self.app = app
        self.is_in = is_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        session = _read_session_id(Headers(scope=scope))

        async def receive_wanted() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                wanted = filter_message(message.get("bytes") or b"", is_in=self.is_in(session))
                if wanted is not None:
                    return {"type": "websocket.receive", "bytes": wanted}

        async def send_discreetly(message: Message) -> None:
            nonlocal session
            if message["type"] == "websocket.send" and (content := message.get("bytes")):
                forward = ForwardMsg.FromString(content)
                if forward.WhichOneof("type") == "new_session":
                    session = forward.new_session.initialize.session_id
                    _remove_server_details(forward.new_session)
                    message = {"type": "websocket.send", "bytes": forward.SerializeToString()}
            await send(message)

        await self.app(scope, receive_wanted, send_discreetly)


def filter_message(content: bytes, *, is_in: bool) -> bytes | None:
    """What Streamlit gets of a visitor's message; None: nothing.

    Before the token that is what the gate needs: the text of its field, pressed buttons, and the address.
    """
    if not content or (not is_in and len(content) > MAX_BYTES_BEFORE_LOGIN):
        return None
    try:
        message = BackMsg.FromString(content)
    except DecodeError:
        return None
    kind = message.WhichOneof("type")
    if kind not in (ALLOWED_AFTER_LOGIN if is_in else ALLOWED_BEFORE_LOGIN):
        return None
    if kind == "backend_operation_request":
        asked = message.backend_operation_request
        if asked.WhichOneof("payload") != "deferred_file" or not REQUEST_ID.fullmatch(asked.request_id):
            return None
    if kind == "rerun_script" and not is_in:
        message = _reduce_to_login(message)
    message.DiscardUnknownFields()
    return bytes(message.SerializeToString())


def _reduce_to_login(message: BackMsg) -> BackMsg:
    kept = BackMsg()
    kept.rerun_script.query_string = message.rerun_script.query_string
    for state in message.rerun_script.widget_states.widgets[:MAX_WIDGETS_BEFORE_LOGIN]:
        wanted = "string_value" if state.id.endswith(f"-{TOKEN_KEY}") else "trigger_value"
        if state.WhichOneof("value") == wanted:
            kept.rerun_script.widget_states.widgets.append(state)
    return kept


def _read_session_id(headers: Headers) -> str:
    """The id that a browser goes on with after its connection broke; only who was told it can know it."""
    _, _, session = (headers.get("sec-websocket-protocol", "") + ",,").split(",", 3)[:3]
    return session.strip()


def _remove_server_details(news: NewSession) -> None:
    """Without what identifies this machine or tells its versions and directories; no part of the page needs that."""
    news.main_script_path = news.name
    news.initialize.user_info.CopyFrom(UserInfo())
    news.initialize.environment_info.CopyFrom(EnvironmentInfo())
