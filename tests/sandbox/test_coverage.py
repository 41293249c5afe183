"""COVERAGE.md is what the code says."""

from sandbox import coverage


def test_the_list_of_what_is_imitated_is_up_to_date():
    assert coverage.is_current(), "run: python -m sandbox coverage"


def test_every_method_of_the_v1_services_is_imitated():
    v1_part = coverage.text().split("### google.cloud.aiplatform.v1beta1")[0]
    assert "- [x] CreateIndex" in v1_part
    assert "- [ ]" not in v1_part
