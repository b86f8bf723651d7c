"""docker-compose.yml, the Dockerfile and what they promise, checked without an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from miniconf import broker
from miniconf.processes import commands
from tests.operations.compose import MissingVariable, services
from tests.running import ROOT, clean_environment

SECRETS = {"SECRET_KEY": "a-secret", "POSTGRES_PASSWORD": "another"}


def as_here(command: list[str]) -> list[str]:
    """A container's command line as the supervisor would have it on this machine."""
    return [sys.executable if word == "python" else word for word in command]


def test_the_services_are_the_processes_of_the_site_and_what_they_need() -> None:
    assert sorted(services(SECRETS)) == ["beat", "gpu", "postgres", "prepare", "redis", "web", "worker"]


def test_commands_are_those_of_the_supervisor() -> None:
    found = {name: as_here(service["command"]) for name, service in services(SECRETS).items() if "command" in service}
    assert found["web"] == commands.web("--host", "0.0.0.0", "--port", "8000", "--workers", "2")
    assert found["worker"] == commands.default_worker()
    assert found["gpu"] == commands.gpu_worker()
    assert found["beat"] == commands.beat(Path("/tmp/schedule"))
    assert found["redis"] == ["valkey-server", *broker.SERVER_OPTIONS]


def test_the_image_starts_the_web_process_like_the_supervisor() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    command = json.loads(re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)[1])  # type: ignore[index]
    assert as_here(command) == commands.web("--host", "0.0.0.0", "--port", "8000")


def test_every_lasting_service_has_a_health_check_and_comes_back() -> None:
    lasting = {name: service for name, service in services(SECRETS).items() if name != "prepare"}
    assert {name for name, service in lasting.items() if service["healthcheck"]["test"][0] == "CMD"} == set(lasting)
    assert {service["restart"] for service in lasting.values()} == {"unless-stopped"}


def test_everything_waits_until_the_database_is_prepared() -> None:
    found = services(SECRETS)
    assert found["prepare"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    for name in ("web", "worker", "gpu", "beat"):
        assert found[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}


def test_what_must_last_is_in_volumes() -> None:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(document["volumes"]) == {"data", "postgres", "broker"}
    found = services(SECRETS)
    for name in ("prepare", "web", "worker", "gpu", "beat"):
        assert found[name]["volumes"] == ["data:/data"]
    assert found["postgres"]["volumes"] == ["postgres:/var/lib/postgresql/data"]
    assert found["redis"]["volumes"] == ["broker:/data"]


def test_gpu_workers_can_be_scaled() -> None:
    gpu = services(SECRETS)["gpu"]
    assert {"container_name", "ports", "hostname"} & gpu.keys() == set()


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_secrets_come_from_outside_and_are_asked_for(missing: str) -> None:
    with pytest.raises(MissingVariable, match=missing):
        services({name: value for name, value in SECRETS.items() if name != missing})


def test_only_the_web_service_is_reachable_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in services(SECRETS).items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_the_override_reserves_nvidia_devices_for_gpu_workers_only() -> None:
    override = services({}, file="docker-compose.gpu.yml")
    assert list(override) == ["gpu"]
    assert override["gpu"]["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": "1", "capabilities": ["gpu"]}
    ]


def test_every_setting_named_in_the_example_is_one_that_compose_reads() -> None:
    offered = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    read = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert offered <= read


def test_the_image_holds_every_folder_that_the_site_needs() -> None:
    copied = set(re.findall(r"^COPY (\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    python_packages = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert python_packages | {"miniconf", "templates", "static", "sample", "manage.py", "requirements.lock"} == copied


def test_the_images_build_step_collects_static_files(tmp_path: Path) -> None:
    text = (ROOT / "Dockerfile").read_text()
    step = re.search(r"^RUN (SECRET_KEY=\S+) MINICONF_DATA=\S+ python (manage.py collectstatic --noinput)", text, re.M)
    assert step is not None
    key, command = step.groups()
    environment = clean_environment(
        SECRET_KEY=key.split("=")[1], MINICONF_DATA=tmp_path / "data", STATIC_ROOT=tmp_path / "collected"
    )
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "collected" / "staticfiles.json").exists()


def test_docker_compose_itself_reads_the_files() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("the compose client is not installed")
    for files in (["docker-compose.yml"], ["docker-compose.yml", "docker-compose.gpu.yml"]):
        arguments = [part for file in files for part in ("-f", file)]
        done = subprocess.run(
            [docker, "compose", *arguments, "config", "--quiet"],
            cwd=ROOT,
            env={**clean_environment(), **SECRETS},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
