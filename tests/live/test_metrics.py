"""/metrics against what really happened, as promtool and a real Prometheus read it."""
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import worker_kit
from browser_kit import free_port
from worker_kit import produce, wait_until


@pytest.fixture(name="bench")
def make_bench(stack, binary, tmp_path, request):
    made = worker_kit.Bench(stack, binary, tmp_path, request.node.name)
    made.url = f"http://127.0.0.1:{free_port()}"
    made.properties.write_text(f"bootstrap.servers={stack.bootstrap}\nlisteners={made.url}\n")
    stack.create_topic(made.topic)
    try:
        yield made
    finally:
        made.close()


def scrape(bench):
    with urllib.request.urlopen(bench.url + "/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return answer.read().decode()


def samples(bench):
    """{(name, labels): value}"""
    found = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", scrape(bench), re.M):
        found[name, tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = float(value)
    return found


def total(found, name, **labels):
    return sum(value for (each, pairs), value in found.items()
               if each == name and set(labels.items()) <= set(pairs))


def test_numbers(bench):
    """Events, rows, dead letters and lag are those of the log and the table."""
    path = bench.folder / "letters.jsonl"
    bench.worker(bench.connector(errors__tolerance="all", errors__deadletterqueue__file=str(path)))
    produce(bench.stack, bench.topic, 5000)
    subprocess.run(["kcat", "-P", "-b", bench.stack.bootstrap, "-t", bench.topic, "-p", "0"], check=True,
                   input=b"no event\nneither\n")
    bench.caught_up()
    wait_until(lambda: total(samples(bench), "fieldtrail_lag_records") == 0, "no lag")
    found = samples(bench)
    rows = int(bench.sql("select count(*) from holding_pivot")[0])
    kcat = subprocess.run(["kcat", "-C", "-e", "-q", "-b", bench.stack.bootstrap, "-t", bench.topic],
                          check=True, capture_output=True).stdout.splitlines()
    events = [json.loads(line) for line in kcat if line.startswith(b"{")]
    for op in "cud":
        assert total(found, "fieldtrail_events_total", op=op) == sum(e["op"] == op for e in events)
    assert total(found, "fieldtrail_rows_total", connector=bench.name) == rows > 1000
    assert total(found, "fieldtrail_flush_rows_sum") == rows
    assert total(found, "fieldtrail_flush_rows_count") == total(found, "fieldtrail_flush_seconds_count") > 0
    assert total(found, "fieldtrail_dead_letters_total", cause="decode") == 2
    assert total(found, "fieldtrail_dead_letters_total") == len(path.read_text().splitlines()) == 2
    tombstones = sum(line == b"" for line in kcat)
    assert total(found, "fieldtrail_skipped_total", kind="tombstone") == tombstones > 0
    lanes = {pairs for name, pairs in found if name == "fieldtrail_lag_records"}
    assert len(lanes) == worker_kit.PARTITIONS
    assert total(found, "fieldtrail_task_state", state="RUNNING") == 1
    assert total(found, "fieldtrail_oldest_undurable_seconds") == 0
    assert 0 <= total(found, "fieldtrail_lag_seconds", leg="broker_sink") < 60
    assert total(found, "process_resident_memory_bytes") > 1e6


def test_outage(bench):
    """While the target is away the lag grows, and so does the age of what waits."""
    bench.worker(bench.connector())
    produce(bench.stack, bench.topic, 1000)
    bench.caught_up()
    bench.stack.control("stop", "postgres")
    try:
        produce(bench.stack, bench.topic, 3000, seed=2)
        wait_until(lambda: total(samples(bench), "fieldtrail_task_state", state="RETRYING") == 1, "retrying")
        wait_until(lambda: total(samples(bench), "fieldtrail_lag_records") >= 3000, "the lag")
        wait_until(lambda: total(samples(bench), "fieldtrail_oldest_undurable_seconds") > 2, "the age")
        assert total(samples(bench), "fieldtrail_retries_total") > 0
    finally:
        bench.stack.control("start", "postgres")
    bench.caught_up()
    wait_until(lambda: total(samples(bench), "fieldtrail_oldest_undurable_seconds") == 0, "all durable")
    before = total(samples(bench), "fieldtrail_rows_total")
    assert before == int(bench.sql("select count(*) from holding_pivot")[0])
    # Counters go on where the tasks begin anew.
    urllib.request.urlopen(urllib.request.Request(
        f"{bench.url}/connectors/{bench.name}/restart?includeTasks=true", method="POST"), timeout=60).close()
    time.sleep(1)
    produce(bench.stack, bench.topic, 100, seed=3)
    bench.caught_up()
    wait_until(lambda: total(samples(bench), "fieldtrail_rows_total") > before, "more rows")


def test_promtool(bench):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here (compose/packages test installs prometheus)")
    bench.worker(bench.connector())
    produce(bench.stack, bench.topic, 100)
    bench.caught_up()
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape(bench), text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def test_prometheus_scrapes(bench):
    """A real Prometheus takes it all, and answers the dashboard's questions."""
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not here (compose/packages test installs it)")
    bench.worker(bench.connector())
    produce(bench.stack, bench.topic, 500)
    bench.caught_up()
    port = free_port()
    config = bench.folder / "prometheus.yml"
    config.write_text("scrape_configs: [{job_name: fieldtrail, scrape_interval: 1s, "
                      "static_configs: [{targets: ['%s']}]}]\n" % bench.url.removeprefix("http://"))
    with open(bench.folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(["prometheus", f"--config.file={config}",
                                    f"--storage.tsdb.path={bench.folder / 'tsdb'}",
                                    f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

    def ask(expression):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query="
                                        + urllib.parse.quote(expression), timeout=10) as answer:
                return [float(each["value"][1]) for each in json.load(answer)["data"]["result"]]
        except OSError:
            return []
    try:
        wait_until(lambda: ask('up{job="fieldtrail"}') == [1.0], "a scrape")
        rows = int(bench.sql("select count(*) from holding_pivot")[0])
        assert ask("sum(fieldtrail_rows_total)") == [rows]
        assert ask('fieldtrail_task_state{state="RUNNING"}') == [1.0]
        wait_until(lambda: len(ask("histogram_quantile(0.99, sum by (le) "
                                   "(rate(fieldtrail_flush_seconds_bucket[1m])))")) == 1, "a quantile")
    finally:
        process.terminate()
        process.wait(20)
