# SPDX-License-Identifier: Apache-2.0
"""What a failed test shows is text that can be sent: bytes that are no UTF-8 would end the process of pytest-xdist and
the whole run with it."""
import pytest


def sendable(text):
    return text.encode("utf-8", "backslashreplace").decode()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.sections = [(sendable(name), sendable(text)) for name, text in report.sections]
    if report.failed and report.longrepr is not None and sendable(str(report.longrepr)) != str(report.longrepr):
        report.longrepr = sendable(str(report.longrepr))
