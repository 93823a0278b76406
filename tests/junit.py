#!/usr/bin/env python3
"""Keeps the score of tests/run in JUnit files.

    junit.py step FOLDER NAME STATUS   adds a test of its own
    junit.py sum FOLDER                prints failed and skipped names, then
                                       "N passed, N failed, N skipped"; exit status 1 if any failed
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def add_step(folder, name, status):
    suite = xml.Element("testsuite")
    case = xml.SubElement(suite, "testcase", name=name)
    if status != "0":
        xml.SubElement(case, "failure", message=f"exit status {status}")
    path = pathlib.Path(folder) / f"step-{name.replace('/', '-').replace(' ', '-')}.xml"
    xml.ElementTree(suite).write(path)


def verdict(case):
    """CTest says it as an attribute, pytest as an element inside."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "failed" if case.get("status") == "fail" else "passed"


def sum_up(folder):
    names = {"passed": [], "failed": [], "skipped": []}
    for path in sorted(pathlib.Path(folder).glob("*.xml")):
        for case in xml.parse(path).iter("testcase"):
            name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
            names[verdict(case)].append(f"{path.stem}: {name}")
    for kind in ("skipped", "failed"):
        for name in names[kind]:
            print(f"{kind.upper()} {name}")
    print(", ".join(f"{len(names[kind])} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if names["failed"] or not names["passed"] else 0


if __name__ == "__main__":
    if sys.argv[1] == "step":
        add_step(*sys.argv[2:5])
    else:
        sys.exit(sum_up(sys.argv[2]))
