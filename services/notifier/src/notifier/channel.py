"""The sockets of one user at this process, and how far they have been told."""

from collections.abc import Iterator
from uuid import UUID

from notifier.messages import ConnectionEstablished
from notifier.sockets import Frame, Socket
from notifier.streams import Position


class Channel:
    """Passes a user's messages on, once it is known from which place in the stream on.

    It is live between `settle` and `interrupt`. Until it is live, sockets wait to be greeted,
    and what already arrives is kept back.
    """

    def __init__(self, user_id: UUID) -> None:
        self.user_id = user_id
        self.live = False
        self._position: Position | None = None
        self._sockets: set[Socket] = set()
        self._waiting: set[Socket] = set()
        self._early: list[Frame] = []

    @property
    def empty(self) -> bool:
        """Whether no socket is left."""
        return not self._sockets and not self._waiting

    def __iter__(self) -> Iterator[Socket]:
        """Go through all sockets, greeted or not."""
        return iter(self._sockets | self._waiting)

    def join(self, socket: Socket) -> None:
        """Let a socket hear everything from now on."""
        if self.live and self._position is not None:
            self._greet(socket, self._position)
        else:
            self._waiting.add(socket)

    def leave(self, socket: Socket) -> None:
        """Forget a socket."""
        self._sockets.discard(socket)
        self._waiting.discard(socket)

    def settle(self, position: Position) -> None:
        """Go live, from a position that was read after the subscription was confirmed."""
        if position != self._position:
            # Something was added while nobody listened, or the stream is another one.
            self._waiting |= self._sockets
        self._position = position
        for socket in self._waiting:
            self._greet(socket, position)
        self._waiting.clear()
        self.live = True
        early, self._early = self._early, []
        for frame in early:
            self.deliver(frame)

    def deliver(self, frame: Frame) -> None:
        """Pass a message on to every socket, unless the position includes it already."""
        if not self.live or self._position is None:
            self._early.append(frame)
        elif frame.offset > self._position.offset:
            self._position = self._position._replace(offset=frame.offset)
            for socket in self._sockets:
                socket.push(frame)

    def interrupt(self) -> None:
        """Stop being live: from now on messages may be missed."""
        self.live = False
        self._early.clear()

    def _greet(self, socket: Socket, position: Position) -> None:
        greeting = ConnectionEstablished(
            user_id=self.user_id, epoch=position.epoch, offset=str(position.offset)
        )
        socket.push(Frame.of(greeting, position.offset))
        self._sockets.add(socket)
