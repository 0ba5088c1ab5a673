"""The chart as helm renders it: for every file of values that it ships, with everything, and with the least."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.chart import helm
from tests.system.chart.helm import MINIMAL, SHIPPED, Rendered, render

EVERY_OPTION = (
    'autoscaling={"by": "cpu"}',
    'ingress={"enabled": true, "hosts": {"projection": "customers.example.com"}}',
    'podMonitor={"enabled": true}',
    'pod={"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "tenure", "operator": "Exists"}]}',
)
NOTHING_MORE = ('network={"policies": false}', 'topics={"job": false}', 'services={"delivery": null}')
CASES: dict[str, tuple[Sequence[Path], Sequence[str]]] = {
    "values.yaml": ((), ()),
    **{file.name: ((file,), ()) for file in SHIPPED},
    "every option": ((), EVERY_OPTION),
    "nothing more": ((MINIMAL,), NOTHING_MORE),
}


@pytest.fixture(scope="session", autouse=True)
def _helm() -> None:
    if reason := helm.why_not():
        pytest.skip(f"the chart is not rendered: {reason}")


@pytest.fixture(scope="session", params=CASES)
def values(request: pytest.FixtureRequest) -> list[str]:
    """As arguments of helm."""
    files, sets = CASES[request.param]
    return helm.arguments(files, sets)


@pytest.fixture(scope="session")
def chart(_helm: None, values: list[str]) -> Rendered:
    return render(values)
