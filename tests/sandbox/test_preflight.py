"""The preflight finds what holds by trying, notices each missing layer, and REQUIRED refuses without the must-haves."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from harness.sandbox import Isolation, PreflightReport, Sandbox, SandboxError, doctor, preflight
from harness.sandbox.doctor import render
from harness.sandbox.preflight import MUST_HAVES, NICE_TO_HAVES, PROMISES, STAYS_OPEN, judge
from harness.sandbox.probe_call import LAYERS
from tests.sandbox.support import PROBES, SMALL, needs_landlock, needs_linux, needs_root

ALL = dict.fromkeys({**MUST_HAVES, **NICE_TO_HAVES}, True)


def test_all_held_is_gradescope_like_root():
    report = judge(ALL, {})
    assert (report.place, report.ok_for_grading, report.failures) == ("gradescope-like root", True, ())


@pytest.mark.parametrize("name", MUST_HAVES)
def test_each_must_have_alone_decides(name):
    report = judge({**ALL, name: False}, {})
    assert not report.ok_for_grading
    assert report.failures == (MUST_HAVES[name],)


@pytest.mark.parametrize("name", NICE_TO_HAVES)
def test_nice_to_haves_are_reported_and_do_not_decide(name):
    report = judge({**ALL, name: False}, {})
    assert report.ok_for_grading
    assert report.failures == (NICE_TO_HAVES[name],)


def test_an_attempt_that_was_not_made_did_not_hold():
    assert len(judge({}, {}).failures) == len(ALL)


def test_another_user_alone_is_replaced_by_landlock():
    assert judge({**ALL, "another user": False}, {}).place == "linux user + landlock"
    assert judge({**ALL, "another user": False, "files of the grader": False}, {}).place == "containment only"


def test_each_place_says_what_stays_open_in_it():
    assert STAYS_OPEN.keys() == PROMISES.keys()
    root, user = judge(ALL, {}), judge({**ALL, "another user": False}, {})
    assert set(STAYS_OPEN[root.place]) < set(STAYS_OPEN[user.place])
    assert any("Landlock has no right" in sentence for sentence in user.stays_open)
    assert judge({}, {}).stays_open == ()
    assert "same as for root" not in user.promise


@needs_linux
@pytest.mark.parametrize(("flags", "kept"), [(0, True), (4096, True), (1024, False), (1, False)])
def test_times_of_library_files_stay_open_where_they_are_kept(monkeypatch, flags, kept):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    assert any("times of access of Python's" in sentence for sentence in judge(ALL, {}).stays_open) is kept


@needs_root
def test_here_every_attempt_is_made_and_the_must_haves_hold(sandbox):
    found = preflight(sandbox)
    assert set(found.attempts) == set(ALL)
    assert found.report.ok_for_grading, found.report.failures
    assert found.report.layers["backend"] == "fork"
    assert found.report.layers["uid"] is True


@needs_root
@pytest.mark.parametrize("mode", [0o755, 0o711])
def test_a_private_folder_that_a_worker_could_read_is_found(sandbox, open_folder, monkeypatch, mode):
    """Landlock aside: it would close even a folder that its owner left open."""
    folder = open_folder / f"answers-{mode:o}"
    folder.mkdir()
    (folder / "answers").touch(0o644)
    folder.chmod(mode)
    monkeypatch.setattr(sandbox._backend, "_layers", ("uid", "rlimits", "seccomp"))
    monkeypatch.setattr(sandbox, "private", (folder,))
    assert preflight(sandbox).report.failures[0] == MUST_HAVES["files of the grader"]
    folder.chmod(0o700)
    assert preflight(sandbox).attempts["files of the grader"]


FILES_AND_PROCESSES = {
    "files of the grader", "names of other submissions", "processes of others", "the submission's files",
    "the scratch's parent",
}  # fmt: skip
MEASURES = {"memory limit", "file size limit", "open files limit"}
CALLS = {"network", "new processes", "disk space", "file locks"}
#: What holds by the fork alone: a scrubbed environment, and descriptors that were closed.
ALWAYS = {"environment", "descriptors"}
HOLDS_ALONE = {
    "uid": {"another user", "modes and times of files", *FILES_AND_PROCESSES},
    "rlimits": MEASURES,
    "landlock": {"shared folders", *FILES_AND_PROCESSES},
    "seccomp": {"modes and times of files", *CALLS},  # the filter of a worker that keeps its user
}
OPENS_WITHOUT = {
    "uid": {"another user", "thread limit"},  # root's threads are not counted
    "rlimits": {"thread limit", *MEASURES},
    "landlock": {"shared folders"},
    "seccomp": CALLS,
}


@pytest.fixture
def held(sandbox, monkeypatch):
    """Tries everything in a worker with these layers alone; what held, and the report."""

    def attempt(layers):
        monkeypatch.setattr(sandbox._backend, "_layers", tuple(layers))
        found = preflight(sandbox)
        return {name for name, held in found.attempts.items() if held}, found.report

    return attempt


@needs_root
@needs_landlock
@pytest.mark.parametrize("layer", LAYERS)
def test_what_each_layer_holds_alone_is_known(held, layer):
    """The table of docs/threat-model.md; what two layers hold between them alone is the number of threads."""
    assert held([])[0] == ALWAYS
    assert held([layer])[0] == HOLDS_ALONE[layer] | ALWAYS


@needs_root
@needs_landlock
@pytest.mark.parametrize("layer", LAYERS)
def test_what_the_loss_of_a_layer_opens_is_known_and_said(held, layer):
    holding, report = held([other for other in LAYERS if other != layer])
    opened = set(ALL) - holding
    assert opened == OPENS_WITHOUT[layer]
    assert set(report.failures) == {{**MUST_HAVES, **NICE_TO_HAVES}[name] for name in opened}
    assert report.ok_for_grading is (layer == "landlock")


@needs_root
@pytest.mark.slow
def test_required_refuses_to_run_without_a_must_have(open_folder, make_tree):
    place = open_folder / "required"
    required = Sandbox(place, probes=PROBES, without=["seccomp"], isolation=Isolation.REQUIRED)
    with pytest.raises(SandboxError, match=r"too little isolation here to grade: .*sockets"):
        required.run(make_tree(), "calls.echo", {}, seed=1, limits=SMALL)
    assert list(place.iterdir()) == []


@needs_root
@pytest.mark.slow
def test_without_landlock_the_must_haves_hold(open_folder, make_tree):
    place = open_folder / "without-landlock"
    with Sandbox(place, probes=PROBES, isolation=Isolation.REQUIRED, without=["landlock"]) as sandbox:
        assert sandbox.report().layers["landlock"] == 0
        assert sandbox.run(make_tree(), "calls.echo", {"x": 1}, seed=1, limits=SMALL).value == {"x": 1}


def test_the_doctors_text_names_what_is_open():
    report = judge({**ALL, "network": False}, {"backend": "fork", "uid": True, "landlock": 0})
    text = render(PreflightReport({**ALL, "network": False}, report))
    assert "network                             OPEN" in text
    assert "would refuse to grade here:\n  a worker can open sockets" in text
    assert "Landlock (ABI, 0 is none)           0" in text
    assert "a user ID per worker                yes" in text
    assert "What no layer closes here:" not in text
    assert "What no layer closes here:\n  how long" in render(PreflightReport(ALL, judge(ALL, {"uid": True})))


@needs_linux
def test_the_doctor_says_what_it_found():
    text, ok = doctor()
    assert ("Gradescope mode would grade here." in text) is ok
    assert "Tried from inside a worker:" in text
