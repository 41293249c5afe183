"""What `elastic endpoint-ensure` takes for each service, and what it refuses before it asks anybody. Without a server."""

import pytest

from flows.elastic.endpoint_ensure import EndpointOptions
from tasks.errors import InvalidInput


@pytest.mark.parametrize(
    ("service", "given", "option"),
    [
        ("openai", {"allocations": 2}, "--allocations"),
        ("openai", {"threads": 2}, "--threads"),
        ("elasticsearch", {"url": "http://127.0.0.1/v1/embeddings"}, "--url"),
        ("elasticsearch", {"dimensions": 256}, "--dimensions"),
        ("elasticsearch", {"renew_key": True}, "--renew-key"),
    ],
)
def test_an_option_of_the_other_service_is_refused(service, given, option):
    options = EndpointOptions(name="e", service=service, target="sandbox", **given)
    with pytest.raises(InvalidInput, match=rf"The service {service} does not have this option.*{option}"):
        options.refuse_others()


def test_a_service_has_its_own_options():
    EndpointOptions(name="e", target="sandbox", allocations=2, threads=4).refuse_others()
    EndpointOptions(
        name="e", service="openai", target="sandbox", dimensions=256, renew_key=True
    ).refuse_others()
