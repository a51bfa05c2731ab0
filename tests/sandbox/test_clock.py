import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sagewright.sandbox.clock import BackwardsError, Clock, MovingError

SOON_S = 20


class Every:
    """Something that is due each so many seconds, and does the same each time."""

    def __init__(self, seconds: float, do: Callable[[float], None] = lambda _: None) -> None:
        self.seconds = seconds
        self.do = do
        self.happened: list[float] = []

    def due(self, after_s: float) -> float | None:
        return (after_s // self.seconds + 1) * self.seconds

    def happen(self, at_s: float) -> None:
        self.happened.append(at_s)
        self.do(at_s)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.close()


def hours(clock: Clock, count: float) -> float:
    target = clock.now() + count * 3600
    clock.forward(target)
    return target


def test_without_a_move_it_is_the_real_time(clock: Clock) -> None:
    assert abs(clock.now() - time.time()) < 1
    assert (clock.ahead_s, clock.moving_to_s, clock.waiting_for()) == (0, None, [])


def test_a_move_ends_at_its_target_and_time_goes_on_from_there(clock: Clock) -> None:
    target = hours(clock, 2)
    assert clock.arrived(SOON_S)
    assert target <= clock.now() < target + 1
    assert clock.ahead_s == pytest.approx(7200, abs=1)


def test_what_is_due_on_the_way_happens_in_order_at_its_moment(clock: Clock) -> None:
    seen: list[tuple[str, float, float]] = []
    hourly = Every(3600, lambda at: seen.append(("hourly", at, clock.now())))
    often = Every(1800, lambda at: seen.append(("often", at, clock.now())))
    clock.add(hourly)
    clock.add(often)
    target = hours(clock, 5)
    assert clock.arrived(SOON_S)
    moments = [at for _, at, _ in seen]
    assert moments == sorted(moments)
    assert len(hourly.happened) == 5
    assert len(often.happened) == 10
    assert all(at <= now < at + 1 for _, at, now in seen)
    assert all(at <= target for at in moments)
    of_both = [name for name, at, _ in seen if at in hourly.happened]
    assert of_both == ["hourly", "often"] * 5


def test_what_is_due_at_the_target_itself_happens(clock: Clock) -> None:
    daily = Every(86_400)
    clock.add(daily)
    target = (clock.now() // 86_400 + 1) * 86_400
    clock.forward(target)
    assert clock.arrived(SOON_S)
    assert daily.happened == [target]


def test_a_move_waits_for_what_is_under_way_and_says_what_it_is(clock: Clock) -> None:
    release, begun = threading.Event(), threading.Event()
    ended_at: list[float] = []

    def work(at_s: float) -> None:
        job = clock.work("job churn")
        job.__enter__()

        def run() -> None:
            begun.set()
            release.wait(SOON_S)
            ended_at.append(at_s)
            job.__exit__(None, None, None)

        threading.Thread(target=run).start()

    hourly = Every(3600, work)
    clock.add(hourly)
    target = hours(clock, 2)
    assert begun.wait(SOON_S)
    assert clock.waiting_for() == ["job churn"]
    assert clock.moving_to_s == target
    assert len(hourly.happened) == 1
    release.set()
    assert clock.arrived(SOON_S)
    assert ended_at == hourly.happened
    assert len(hourly.happened) == 2
    assert clock.waiting_for() == []


def test_what_work_puts_on_an_agenda_before_it_ends_is_not_jumped_over(clock: Clock) -> None:
    once: list[float] = []

    class Later:
        def due(self, after_s: float) -> float | None:
            return min((at for at in once if at > after_s), default=None)

        def happen(self, at_s: float) -> None:
            late.append(at_s)

    late: list[float] = []
    clock.add(Later())
    with clock.work("a request"):
        target = hours(clock, 24)
        once.append(target - 3600)
    assert clock.arrived(SOON_S)
    assert late == once


def test_the_clock_does_not_go_back(clock: Clock) -> None:
    hours(clock, 1)
    assert clock.arrived(SOON_S)
    with pytest.raises(BackwardsError, match="only goes forward"):
        clock.forward(time.time() + 60)


def test_a_second_move_has_to_wait_for_the_first(clock: Clock) -> None:
    with clock.work("a job"):
        hours(clock, 1)
        with pytest.raises(MovingError, match="is being moved already"):
            hours(clock, 2)
    assert clock.arrived(SOON_S)


def test_without_a_move_things_happen_in_real_time(clock: Clock) -> None:
    happened = threading.Event()
    clock.add(Every(0.05, lambda _: happened.set()))
    assert happened.wait(SOON_S)


def test_what_is_new_on_an_agenda_is_not_due_before_it_came(clock: Clock) -> None:
    hours(clock, 3)
    assert clock.arrived(SOON_S)
    hourly = Every(3600)
    clock.add(hourly)
    begun = clock.now()
    hours(clock, 1)
    assert clock.arrived(SOON_S)
    assert len(hourly.happened) == 1
    assert hourly.happened[0] > begun


def test_a_fault_in_one_agenda_is_told_and_stops_no_other(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: float) -> None:
        raise ValueError("no such thing")

    good = Every(3600)
    clock.add(Every(3600, fail))
    clock.add(good)
    hours(clock, 2)
    assert clock.arrived(SOON_S)
    assert len(good.happened) == 2
    assert "no such thing" in capsys.readouterr().err


def test_a_week_of_minutes_passes_in_seconds(clock: Clock) -> None:
    minutely = Every(60)
    clock.add(minutely)
    hours(clock, 7 * 24)
    assert clock.arrived(SOON_S)
    assert len(minutely.happened) == 7 * 24 * 60
