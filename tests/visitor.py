"""A client of the page that talks to its server as a browser does, with any origin, host and headers."""

from contextlib import contextmanager
from socket import create_connection
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

WAIT_S = 30


@contextmanager
def visit(address, origin=None, host=None, headers=None, session=None):
    """Connect with these headers; session: the id of a session to continue."""
    place = urlsplit(address)
    with connect(
        f"ws://{host or place.netloc}/_stcore/stream",
        sock=create_connection((place.hostname, place.port), WAIT_S),
        origin=origin,
        additional_headers=headers,
        subprotocols=["streamlit", "x", session] if session else ["streamlit"],
        max_size=None,
        proxy=None,
    ) as opened:
        yield Visitor(opened)


class Visitor:
    """One session. shown: the elements of its last run, in order."""

    def __init__(self, opened):
        self.socket = opened
        self.shown = []
        self.told = []  # every message of the last run

    def run(self, states=(), query=""):
        """Run the page with these widget states."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.widget_states.widgets.extend(states)
        self.socket.send(message.SerializeToString())
        self.shown, self.told = [], []
        while True:
            got = ForwardMsg()
            got.ParseFromString(self.socket.recv(timeout=WAIT_S))
            self.told.append(got)
            if got.HasField("delta") and got.delta.HasField("new_element"):
                self.shown.append(got.delta.new_element)
            if got.WhichOneof("type") == "script_finished" and got.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return self

    def say(self, token):
        """Log in with a token."""
        field = next(one.text_input for one in self.shown if one.HasField("text_input"))
        button = next(one.button for one in self.shown if one.HasField("button"))
        states = BackMsg().rerun_script.widget_states
        states.widgets.add(id=field.id, string_value=token)
        states.widgets.add(id=button.id, trigger_value=True)
        return self.run(states.widgets)

    def press(self, label, query=""):
        """Press a button."""
        states = BackMsg().rerun_script.widget_states
        states.widgets.add(
            id=next(one.button.id for one in self.shown if one.button.label == label), trigger_value=True
        )
        return self.run(states.widgets, query)

    def send(self, content):
        """Send a frame: bytes as a binary one, text as a text one."""
        self.socket.send(content)

    def clear_cache(self):
        """Clear Streamlit's cache, as a key in the browser does."""
        self.send(BackMsg(clear_cache=True).SerializeToString())

    @property
    def session(self):
        """The id of the session, from the server."""
        return next(one.new_session.initialize.session_id for one in self.told if one.HasField("new_session"))

    @property
    def text(self):
        return " ".join(str(one) for one in self.shown)
