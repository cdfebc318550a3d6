"""System `event-notifier`: threads that set a notifier, and a loop that polls and clears it."""

from __future__ import annotations

from typing import Any

from qmodel import (
    Count,
    EventNotifier,
    Fairness,
    Flag,
    Process,
    Ref,
    Scope,
    State,
    Struct,
    System,
    always,
    any_of,
    at_rest,
    bound,
    leads_to,
    otherwise,
)

from .event_notifier_c import EventNotifierSet, EventNotifierTestAndClear, KernelEventfd


class Work(Struct):
    """What the notifications are about; ghosts of the property (environment)."""

    pending = Flag(ghost=True)


class Setter(Process):
    """A thread with news: notes it down, then calls event_notifier_set() (environment)."""

    fd = Ref(KernelEventfd)
    work = Ref(Work)
    left = Count(bound("sets"))

    deciding = State("between two notifications", initial=True)
    ended = State("no more news", final=True)

    def has_more(self) -> bool:
        return self.left > 0

    @deciding.to(deciding, when=has_more, calls=EventNotifierSet(fd=fd))
    def tell(self) -> None:
        self.left -= 1
        self.work.pending = True

    stop = deciding.to(ended, when=otherwise)


class Poller(Process):
    """A loop: polls, calls event_notifier_test_and_clear(), looks for news (environment)."""

    fd = Ref(KernelEventfd)
    work = Ref(Work)
    was_set = Flag()

    polling = State("in poll()", initial=True, quiescent=True)
    cleared = State("event_notifier_test_and_clear() was called")

    def watched(self) -> list[Any]:
        return [self.fd.readable]

    wake = polling.to(cleared, waits=any_of(watched), calls=EventNotifierTestAndClear(fd=fd), result=was_set)

    @cleared.to(polling)
    def look(self) -> None:
        assert self.was_set, "poll() said readable, test_and_clear() found nothing"
        self.work.pending = False


@always("EN1")
def level_is_counter(s: Any) -> bool:
    """Outside the kernel's lock, the descriptor is readable exactly when the counter is positive."""
    return bool(s.fd.wqh_lock.owner or s.notifier.is_up == (s.fd.count > 0))


@at_rest("EN2")
def no_news_is_lost(s: Any) -> bool:
    """When nothing moves, the loop has looked after the last event_notifier_set()."""
    return not s.work.pending


def is_news(s: Any) -> bool:
    return bool(s.work.pending)


@leads_to("P5", premise=is_news)
def news_is_looked_at(s: Any) -> bool:
    """Once there is news, the loop looks."""
    return not s.work.pending


class EventNotifierSystem(System):
    """`event_notifier_set()` from several threads against one loop, with EINTR and a full counter.

    P5 assumes that signals do not interrupt every attempt at a system call.  P6 is the rule "busy loop".
    """

    name, version = "event-notifier", "v2.0.0"
    properties = (level_is_counter, no_news_is_lost, news_is_looked_at)
    fairness = {EventNotifierSet.enter: Fairness.STRONG, EventNotifierTestAndClear.enter: Fairness.STRONG}

    setters = Scope(2, "threads that notify")
    sets = Scope(2, "notifications of each")
    most = Scope(2, "the counter's maximum")

    def compose(self) -> None:
        self.notifier = self.one(EventNotifier, "readable")
        self.fd = self.one(KernelEventfd, "fd", readable=self.notifier)
        self.work = self.one(Work, "work")
        self.L = self.thread("L", Poller, fd=self.fd, work=self.work)
        self.X = [
            self.thread(f"X{i + 1}", Setter, fd=self.fd, work=self.work, left=self.sets) for i in range(self.setters)
        ]
