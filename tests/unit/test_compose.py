"""docker-compose.yml fits the compose specification, the settings, the services and the image."""

import re
import subprocess
import sys
from typing import Any

import pytest

from deploy.local import parts
from deploy.local.apache_kafka import version_of_kafka
from shared import healthcheck, kafka_topics
from shared.profile import PROFILES, ProfileName
from tests import compose
from tests.compose import ROOT, environment, module
from tests.unit.test_documentation import FIELDS
from tests.unit.test_image import PINNED

SERVICES = compose.services()
OURS = {name: service for name, service in SERVICES.items() if module(service).startswith("services.")}
CONTAINED = {name: s for name, s in SERVICES.items() if s["image"] == SERVICES["gateway"]["image"]}
SERVERS = {name: s for name, s in SERVICES.items() if name not in CONTAINED}
SETTINGS = {f"{settings.model_config['env_prefix']}{field.upper()}" for settings, field in FIELDS}
OF_THE_FILE = {"TENURE_IMAGE", "TENURE_PUBLISH"}
OF_THE_COMMAND = {"TENURE_API", "TENURE_GATEWAY", "TENURE_KEY"}
PUBLISHED = {"gateway", "projection", "delivery"}
DONE, HEALTHY = "service_completed_successfully", "service_healthy"

each_service = pytest.mark.parametrize("name", OURS)
each_of_ours = pytest.mark.parametrize("name", CONTAINED)
each_container = pytest.mark.parametrize("name", SERVICES)


def test_it_fits_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose.FILE)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_every_service_is_in_it_under_its_own_name() -> None:
    there = {folder.parent.name for folder in (ROOT / "services").glob("*/__main__.py")}
    assert {name: module(service) for name, service in OURS.items()} == {name: f"services.{name}" for name in there}


@each_service
def test_every_service_waits_for_the_job_that_makes_topics(name: str) -> None:
    assert OURS[name]["depends_on"] == {"topics": {"condition": DONE}}


def test_that_job_waits_for_broker_and_database_and_runs_once() -> None:
    job = SERVICES["topics"]
    assert module(job) == kafka_topics.__name__
    assert job["depends_on"] == {name: {"condition": HEALTHY} for name in SERVERS}
    assert job["restart"] == "no"


def test_the_image_is_built_in_one_place_for_all() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["topics"]
    assert (ROOT / SERVICES["topics"]["build"]["dockerfile"]).exists()
    assert set(CONTAINED) == {*OURS, "topics", "tenure"}


@each_of_ours
def test_every_variable_is_a_setting_or_the_commands_own(name: str) -> None:
    told = {*environment(CONTAINED[name]), *CONTAINED[name]["environment"]}
    assert told - SETTINGS - OF_THE_FILE == (OF_THE_COMMAND if name == "tenure" else set())


def test_the_common_settings_are_as_they_must_be_for_one_broker() -> None:
    told = environment(SERVICES["retention"])
    assert PROFILES[ProfileName(told["TENURE_PROFILE"])].replication == 1
    assert not PROFILES[ProfileName(told["TENURE_PROFILE"])].trusts_record_times
    assert told["TENURE_KAFKA"] == SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].partition("://")[2]


def test_what_the_env_file_sets_is_used_and_holds_no_secret() -> None:
    assert set(compose.defaults()) <= SETTINGS | OF_THE_FILE
    assert [name for name in compose.defaults() if re.search("KEY|PASSWORD|SECRET|TOKEN", name)] == []


@each_service
def test_every_service_listens_where_a_local_deployment_has_it(name: str) -> None:
    assert environment(OURS[name])["TENURE_PORT"] == str(parts.SERVICES[name])


@each_service
def test_health_is_asked_by_the_program_of_the_image_and_in_time(name: str) -> None:
    asked = OURS[name]["healthcheck"]
    assert asked["test"] == ["CMD", "python", "-m", healthcheck.__name__]
    assert float(asked["timeout"].rstrip("s")) > healthcheck.ANSWER_S


@each_service
def test_only_doors_are_published_and_only_to_this_machine(name: str) -> None:
    port = environment(OURS[name])["TENURE_PORT"]
    published = [f"127.0.0.1:{port}:{port}"] if name in PUBLISHED else []
    assert OURS[name].get("ports", []) == published


@pytest.mark.parametrize("name", SERVERS)
def test_neither_broker_nor_database_can_be_reached_from_outside(name: str) -> None:
    assert "ports" not in SERVERS[name]
    assert SERVERS[name]["networks"] == ["inside"]


@pytest.mark.parametrize("name", sorted(set(OURS) - PUBLISHED))
def test_what_has_no_door_may_run_in_several_copies(name: str) -> None:
    assert {"container_name", "hostname", "ports"} & set(OURS[name]) == set()


@each_of_ours
def test_nothing_of_ours_can_write_but_to_a_bounded_temporary_folder(name: str) -> None:
    (temporary,) = CONTAINED[name]["tmpfs"]
    assert CONTAINED[name]["read_only"] is True
    assert temporary.startswith("/tmp:size=")
    assert "volumes" not in CONTAINED[name]


@each_container
def test_every_container_is_restrained(name: str) -> None:
    container: dict[str, Any] = SERVICES[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert set(container["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert container["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert "privileged" not in container
    assert container.get("user") != "root"


@each_container
def test_what_ends_comes_back_and_has_the_time_to_end_well(name: str) -> None:
    once = name in ("topics", "tenure")
    assert SERVICES[name]["restart"] == ("no" if once else "unless-stopped")
    assert SERVICES[name]["stop_grace_period"] == "30s"
    assert SERVICES[name]["healthcheck"].get("disable", False) is once


@pytest.mark.parametrize("name", SERVERS)
def test_foreign_images_are_pinned_and_what_they_keep_is_kept(name: str) -> None:
    assert PINNED.fullmatch(SERVERS[name]["image"])
    assert SERVERS[name]["volumes"]


def test_its_kafka_is_the_one_that_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"].startswith(f"apache/kafka:{version_of_kafka()}@")


def test_its_kafka_makes_no_topic_by_itself_and_has_one_copy_of_its_own() -> None:
    told = environment(SERVICES["kafka"])
    assert told["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {told[name] for name in told if name.endswith(("REPLICATION_FACTOR", "MIN_ISR"))} == {"1"}
    assert SERVICES["kafka"]["volumes"][0].endswith(f":{told['KAFKA_LOG_DIRS']}")


def test_the_set_that_is_founded_is_the_one_that_is_asked_for() -> None:
    command, told = SERVICES["mongo"]["command"], environment(SERVICES["retention"])["TENURE_MONGO"]
    name = command[command.index("--replSet") + 1]
    (script,) = (word for word in SERVICES["mongo"]["healthcheck"]["test"] if "rs.initiate" in word)
    assert told == f"mongodb://mongo:27017/?replicaSet={name}"
    assert f'_id: "{name}"' in script
    assert 'host: "mongo:27017"' in script
