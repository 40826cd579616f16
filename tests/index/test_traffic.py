from threading import Thread

from splare_os.index.traffic import Traffic


def test_what_threads_send_at_the_same_time_is_all_counted():
    traffic = Traffic()

    def send() -> None:
        for _ in range(2000):
            traffic.add(3)
            traffic.resent(1)

    threads = [Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (traffic.n_requests, traffic.n_bytes, traffic.n_resent) == (16_000, 48_000, 16_000)
