"""The broker that needs no server: messages are files, and no reader ever sees half of one."""

import threading
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from governance import broker
from governance.celery import app

COUNT = 300


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "c")}
    return Connection("filesystem://localhost", transport_options=options)


def take(queue: SimpleQueue) -> Any:
    """The next message's content. Raises Empty."""
    message = queue.get(block=False)
    message.ack()
    return message.payload


def test_celery_uses_it() -> None:
    assert app.connection_for_write("filesystem://localhost").get_transport_cls() is broker.Transport


def test_each_message_reaches_one_reader_whole(connection: Connection) -> None:
    sent = [{"number": number, "text": "é" * 2_000} for number in range(COUNT)]
    received: list[Any] = []
    failures: list[Exception] = []
    is_sent = threading.Event()

    def read() -> None:
        queue = connection.clone().SimpleQueue("q")
        while True:
            was_sent = is_sent.is_set()
            try:
                received.append(take(queue))
            except Empty:
                if was_sent:
                    return
            except Exception as failure:  # noqa: BLE001 - shown by the test
                failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    queue = connection.SimpleQueue("q")
    for message in sent:
        queue.put(message)
    is_sent.set()
    for reader in readers:
        reader.join()

    assert failures == []
    assert sorted(message["number"] for message in received) == list(range(COUNT))


def test_messages_come_in_order_and_leave_nothing(connection: Connection, tmp_path: Path) -> None:
    # Kombu remembers in the process which queues are bound, so each test has a queue of its own.
    queue = connection.SimpleQueue("ordered")
    for number in range(5):
        queue.put(number)

    assert [take(queue) for _ in range(5)] == list(range(5))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".1_x.q.msg").write_text('{"half')
    (tmp_path / "2_x.q.msg").write_text("{}")

    broker.clean(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["2_x.q.msg"]


def test_a_message_is_not_lost_while_another_thread_binds_its_queue(connection: Connection) -> None:
    for number in range(50):
        start = threading.Barrier(4)

        def send(name: str = f"shared-{number}", start: threading.Barrier = start) -> None:
            start.wait()
            connection.clone().SimpleQueue(name).put("sent")

        senders = [threading.Thread(target=send) for _ in range(start.parties)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        queue = connection.SimpleQueue(f"shared-{number}")

        assert [take(queue) for _ in senders] == ["sent"] * len(senders)


def test_queues_bound_at_once_are_all_known(connection: Connection) -> None:
    names = [f"bound-{number}" for number in range(8)]
    start = threading.Barrier(len(names))
    failures: list[Exception] = []

    def bind(name: str) -> None:
        channel: Any = connection.clone().channel()
        start.wait()
        try:
            for key in range(20):
                channel._queue_bind("many", f"{name}-{key}", None, name)
                channel.get_table("many")
        except Exception as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    binders = [threading.Thread(target=bind, args=(name,)) for name in names]
    for binder in binders:
        binder.start()
    for binder in binders:
        binder.join()

    assert failures == []
    channel: Any = connection.channel()
    assert len(channel.get_table("many")) == 20 * len(names)
