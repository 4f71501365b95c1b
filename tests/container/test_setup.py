"""setup.sh, run from the released zip when the image was built."""

import pytest

from tests.container.test_place import printed

pytestmark = pytest.mark.container


def test_torch_is_the_cpu_build(laboratory):
    shown = printed(
        laboratory, "/opt/holdout/bin/python -c 'import torch; print(torch.version.cuda, torch.__version__)'"
    )
    assert shown.startswith("None ")
    assert shown.strip().endswith("+cpu")


def test_no_package_of_the_gpu_was_installed(laboratory):
    shown = printed(laboratory, "/opt/holdout/bin/python -m pip list --format=freeze").lower()
    assert "torch==" in shown
    assert "nvidia" not in shown
    assert "triton" not in shown


def test_every_installed_version_is_pinned(laboratory):
    listed = printed(laboratory, "/opt/holdout/bin/python -m pip list --format=freeze").split()
    pins = printed(laboratory, "cat /autograder/source/constraints.txt").splitlines()
    pinned = {line.partition(";")[0].partition("#")[0].strip().lower().replace("_", "-") for line in pins}
    assert listed
    assert [line for line in listed if line.lower().replace("_", "-") not in pinned] == []


def test_doctor_says_in_the_image_that_grading_may_begin(laboratory):
    shown = printed(laboratory, "cd /autograder/source && /opt/holdout/bin/python -m harness doctor; echo status $?")
    assert "Isolation here: gradescope-like root" in shown, shown
    assert shown.split()[-2:] == ["status", "0"]


def test_the_systems_python_has_nothing_new(laboratory):
    shown = printed(
        laboratory,
        "python3 -c 'import sys; print(sys.prefix)'; python3 -c 'import torch' 2>&1; ls /usr/local/lib/python3*/*",
    )
    assert shown.startswith("/usr\n")
    assert "No module named 'torch'" in shown
    assert "site-packages" not in shown


def test_everything_in_the_environment_is_readable_for_everyone(laboratory):
    shown = printed(
        laboratory,
        "find /opt/holdout ! -type l ! -perm -o=r | head; find /opt/holdout -type d ! -perm -o=x | head; echo end",
    )
    assert shown.split() == ["end"]


def test_every_module_of_the_grader_is_compiled(laboratory):
    shown = printed(laboratory, "cd /autograder/source/harness && find -name '*.py' -o -name '*.pyc'")
    files = shown.split()
    modules, compiled = ([name for name in files if name.endswith(ending)] for ending in (".py", ".pyc"))
    assert len(modules) == len(compiled) > 100
