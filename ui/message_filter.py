"""ASGI middleware for websocket messages: which browser messages reach Streamlit, and which details are sent back."""

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

MAX_BYTES_BEFORE_LOGIN = 64 << 10  # size of a message before login
MAX_WIDGETS_BEFORE_LOGIN = 8  # the login form has a field and a button
ALLOWED_BEFORE_LOGIN = {"rerun_script", "app_heartbeat", "stop_script"}
ALLOWED_AFTER_LOGIN = ALLOWED_BEFORE_LOGIN | {"file_urls_request", "backend_operation_request"}
REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class MessageFilter:
    """ASGI middleware that silently drops websocket messages that the page does not use.

    Without it Streamlit runs `git`, clears caches and logs the contents of messages at the request of any visitor.
    is_logged_in: for a session id, True if its visitor is logged in.
    """

    def __init__(self, app: ASGIApp, is_logged_in: Callable[[str], bool]) -> None:
        self.app = app
        self.is_logged_in = is_logged_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        session = _read_session_id(Headers(scope=scope))

        async def receive_allowed() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                content = filter_message(message.get("bytes") or b"", is_logged_in=self.is_logged_in(session))
                if content is not None:
                    return {"type": "websocket.receive", "bytes": content}

        async def send_without_details(message: Message) -> None:
            nonlocal session
            if message["type"] == "websocket.send" and (content := message.get("bytes")):
                forward = ForwardMsg.FromString(content)
                if forward.WhichOneof("type") == "new_session":
                    session = forward.new_session.initialize.session_id
                    _remove_server_details(forward.new_session)
                    message = {"type": "websocket.send", "bytes": forward.SerializeToString()}
            await send(message)

        await self.app(scope, receive_allowed, send_without_details)


def filter_message(content: bytes, *, is_logged_in: bool) -> bytes | None:
    """The part of a browser message that is passed on to Streamlit; None if the message is dropped.

    Before login that is what the login form needs: the text of its field, pressed buttons and the address.
    """
    if not content or (not is_logged_in and len(content) > MAX_BYTES_BEFORE_LOGIN):
        return None
    try:
        message = BackMsg.FromString(content)
    except DecodeError:
        return None
    kind = message.WhichOneof("type")
    if kind not in (ALLOWED_AFTER_LOGIN if is_logged_in else ALLOWED_BEFORE_LOGIN):
        return None
    if kind == "backend_operation_request":
        request = message.backend_operation_request
        if request.WhichOneof("payload") != "deferred_file" or not REQUEST_ID.fullmatch(request.request_id):
            return None
    if kind == "rerun_script" and not is_logged_in:
        message = _reduce_to_login(message)
    message.DiscardUnknownFields()
    return bytes(message.SerializeToString())


def _reduce_to_login(message: BackMsg) -> BackMsg:
    kept = BackMsg()
    kept.rerun_script.query_string = message.rerun_script.query_string
    for state in message.rerun_script.widget_states.widgets[:MAX_WIDGETS_BEFORE_LOGIN]:
        expected = "string_value" if state.id.endswith(f"-{TOKEN_KEY}") else "trigger_value"
        if state.WhichOneof("value") == expected:
            kept.rerun_script.widget_states.widgets.append(state)
    return kept


def _read_session_id(headers: Headers) -> str:
    """Session id that a browser sends to resume its session after a lost connection; empty if there is none."""
    _, _, session = (headers.get("sec-websocket-protocol", "") + ",,").split(",", 3)[:3]
    return session.strip()


def _remove_server_details(message: NewSession) -> None:
    """Remove what identifies this machine, its versions and directories; the page does not need it."""
    message.main_script_path = message.name
    message.initialize.user_info.CopyFrom(UserInfo())
    message.initialize.environment_info.CopyFrom(EnvironmentInfo())
