"""Tests find their servers: those that variables name come first, one by one."""

import pytest
from native.infrastructure import find_infrastructure, servers_from_variables, variables_of
from native.stack import Stack


def test_variables_name_all_servers(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in variables_of(stack).items():
        monkeypatch.setenv(variable, value)
    with find_infrastructure() as found:
        assert found.postgres_url == stack.url("postgres")
        assert found.amqp_url == stack.url("rabbitmq")
        assert found.management_url.endswith(str(stack.profile.port("rabbitmq-management")))
        assert found.redis_url == stack.url("redis")
        assert found.s3_endpoint == stack.url("s3")
        assert found.s3_access_key == stack.credentials.s3_access_key
        assert found.s3_secret_key == stack.credentials.s3_secret_key


def test_each_server_may_be_named_on_its_own() -> None:
    found = servers_from_variables({"TEST_S3_URL": "http://key:secret@minio.example:9000"})

    assert found == {
        "s3": {
            "s3_endpoint": "http://minio.example:9000",
            "s3_access_key": "key",
            "s3_secret_key": "secret",
        }
    }


def test_rabbitmq_has_its_management_api_at_the_usual_port() -> None:
    found = servers_from_variables({"TEST_RABBITMQ_URL": "amqp://u:p@broker.example:5672/"})

    assert found["rabbitmq"]["management_url"] == "http://broker.example:15672"


def test_no_variable_names_no_server() -> None:
    assert servers_from_variables({"PATH": "/bin", "TEST_REDIS_URL": ""}) == {}
