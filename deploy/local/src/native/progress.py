"""Shows how a command is getting on: a moving line for each job, or plain lines without a tty."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class ProgressDisplay:
    """An observer that writes to the console; used with `with`, around the work."""

    def __init__(self, console: Console, done: str) -> None:
        """Write to this console; `done` is the word for a job that is finished."""
        self._console = console
        self._done = done
        self._tasks: dict[str, TaskID] = {}
        self._live: Progress | None = None
        self.finished_jobs = 0

    def __enter__(self) -> Self:
        """Begin to show the lines."""
        if self._console.is_terminal:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓"),
                TextColumn("{task.description:<18}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[state]}"),
                console=self._console,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the lines as they are."""
        if self._live:
            self._live.stop()

    def started(self, name: str) -> None:
        """Show a job that has begun."""
        if self._live:
            self._tasks[name] = self._live.add_task(name, total=1, state="")

    def finished(self, name: str, seconds: float) -> None:
        """Show that a job is done."""
        self.finished_jobs += 1
        if self._live:
            self._live.update(self._tasks[name], completed=1, state=self._done)
        else:
            self._console.print(f"{name:<18} {self._done} after {seconds:.1f} s", highlight=False)
