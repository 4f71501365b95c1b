"""However people pack their files, the right ones are found, and what is wrong is said."""

from __future__ import annotations

import pytest

from harness.intake.layout import choose
from harness.intake.staging import UploadError, discard, explain, stage
from harness.intake.upload import Caps, Entry, show
from harness.manifest import load

CODE = ("__init__.py", "attention.py", "dataset.py", "helper.py", "model.py", "trainer.py", "utils.py")


def under(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {prefix + name: data for name, data in files.items()}


@pytest.mark.parametrize("prefix", ["", "submission/", "src/submission/", "src/", "My Work (final)/a/b/"])
@pytest.mark.parametrize("shape", ["folder", "zip"])
def test_every_usual_layout_is_staged_whole(prefix, shape, files, folder, zipped, put, messages):
    submission = put((folder if shape == "folder" else zipped)(under(prefix, files)))
    assert messages(submission) == {}
    assert (submission.notes, submission.ignored) == ((), "")
    staged = {path.name: path.read_bytes() for path in (submission.tree / "submission").iterdir()}
    assert staged == files
    assert {name: path.read_bytes() for name, path in submission.present.items()} == files


def test_the_digest_depends_on_names_and_bytes_and_not_on_the_layout(files, folder, zipped, put):
    digest = put(folder(under("x/", files))).digest
    assert put(zipped(files)).digest == digest
    assert put(zipped(files | {"model.py": b"# model.py"})).digest != digest
    assert put(zipped({name: data for name, data in files.items() if name != "model.py"})).digest != digest
    swapped = files | {"model.py": files["utils.py"], "utils.py": files["model.py"]}
    assert put(zipped(swapped)).digest != digest


@pytest.mark.parametrize("inner", ["submission.zip", "deep/er/work.ZIP"])
def test_one_wrapping_zip_is_opened(inner, files, zipped, folder, pack, put, messages):
    packed = {inner: pack(under("submission/", files)), "README.md": b"hello", "__MACOSX/._submission.zip": b"junk"}
    from_zip, from_folder = put(zipped(packed)), put(folder(packed))
    assert messages(from_zip) == messages(from_folder) == {}
    assert from_zip.digest == from_folder.digest
    assert from_zip.notes[0] == f"opened '{inner}'"


def test_two_wrappings_are_opened_and_a_third_is_not(files, zipped, pack, put, messages):
    one = pack(files)
    two = pack({"one.zip": one})
    assert messages(put(zipped({"two.zip": two}))) == {}
    with pytest.raises(UploadError, match=r"^one\.zip: .*zips within zips.*upload one zip of the files$"):
        put(zipped({"three.zip": pack({"two.zip": two})}))


def test_a_zip_beside_a_set_of_deliverables_stays_closed_and_is_mentioned(files, zipped, pack, put):
    older = dict.fromkeys(files, b"old")
    loose = {name: data for name, data in files.items() if name != "perceiver.pretrain.test.predictions"}
    submission = put(zipped(loose | {"backup.zip": pack(older)}))
    assert submission.missing == ("perceiver.pretrain.test.predictions",)
    assert submission.present["model.py"].read_bytes() == files["model.py"]
    assert "not opened: 'backup.zip'; upload one zip, or the files themselves" in submission.notes


@pytest.mark.parametrize("shape", ["folder", "zip"])
@pytest.mark.parametrize("inside", ["", "submission/"])
def test_files_beside_a_zip_are_newer_than_those_in_it(shape, inside, files, folder, zipped, pack, put, messages):
    packed = {"work.zip": pack(under(inside, files)), "helper.py": b"corrected", "__init__.py": b"corrected"}
    submission = put((folder if shape == "folder" else zipped)(packed))
    assert messages(submission) == {}
    assert submission.present["helper.py"].read_bytes() == b"corrected"
    assert submission.present["__init__.py"].read_bytes() == b"corrected"
    assert submission.present["model.py"].read_bytes() == files["model.py"]
    assert submission.notes[:2] == (
        "opened 'work.zip'", "in place of the files of that name in 'work.zip': __init__.py, helper.py",
    )  # fmt: skip


def test_a_file_that_the_zip_lacks_is_taken_from_beside_it(files, zipped, pack, put, messages):
    packed = {name: data for name, data in files.items() if name != "vanilla.model.params"}
    submission = put(zipped({"work.zip": pack(packed), "vanilla.model.params": b"weights"}))
    assert messages(submission) == {}
    assert submission.present["vanilla.model.params"].read_bytes() == b"weights"


def test_nothing_that_machines_leave_behind_is_mistaken_for_work(files, folder, put, messages):
    junk = {
        "__MACOSX/submission/._model.py": b"x",
        "__MACOSX/submission/model.py": b"x",
        ".git/model.py": b"x",
        ".venv/lib/python3.11/site-packages/torch/utils.py": b"x",
        "__pycache__/model.py": b"x",
        ".DS_Store": b"x",
        "._model.py": b"x",
        "submission/.ipynb_checkpoints/model.py": b"x",
    }
    submission = put(folder(junk | under("submission/", files)))
    assert messages(submission) == {}
    assert (submission.notes, submission.ignored) == ((), "")
    assert submission.extras == ()
    assert messages(put(folder({}))) == {}


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_an_environment_is_known_by_what_it_holds(mark, files, folder, put, messages):
    environment = {f"torch-env/{mark}": b"x"}
    environment |= {f"torch-env/lib/package{number}/__init__.py": b"" for number in range(50)}
    upload = folder(environment | files)
    submission = put(upload, Caps(entries=40))
    assert messages(submission) == {}


def test_the_demo_is_never_the_home_nor_a_source(files, folder, put, messages):
    demo = {f"mingpt-demo/mingpt/{name}": b"demo" for name in ("__init__.py", "model.py", "trainer.py", "utils.py")}
    own = {"helper.py": b"mine", "dataset.py": b"mine"}
    submission = put(folder(demo | own))
    assert set(submission.present) == set(own)
    assert messages(submission)["model.py"] == explain(load().uploads_by_name["model.py"])


def test_a_home_that_is_called_like_the_demo_is_still_a_home(files, folder, put, messages):
    submission = put(folder(under("mingpt-homework/", files)))
    assert messages(submission) == {}
    assert (submission.notes, submission.ignored) == ((), "")


def test_the_fullest_folder_is_home_and_the_others_are_mentioned(files, folder, put, messages):
    older = {f"draft/{name}": b"old" for name in files if name.endswith(".py")}
    submission = put(folder(older | under("final/", files)))
    assert messages(submission) == {}
    assert submission.present["model.py"].read_bytes() == files["model.py"]
    assert any(note.startswith("not used") and "draft/__init__.py" in note for note in submission.notes)


TWO = [
    ("submission_101/", "submission_102/", None),
    ("final/", "final2/", None),
    ("b/", "a/x/", None),
    ("ada/", "bo/", "vanilla.model.params"),
    ("x/submission_1/", "x/submission_2/", CODE),
]


@pytest.mark.parametrize(("first", "second", "lacking"), TWO)
@pytest.mark.parametrize("shape", ["folder", "zip"])
def test_two_peoples_folders_are_refused_and_named(first, second, lacking, shape, files, folder, zipped, put):
    other = {name: b"other" for name in files if lacking is None or name not in lacking}
    upload = (folder if shape == "folder" else zipped)(under(first, files) | under(second, other))
    with pytest.raises(UploadError, match="hold the same files, and nothing tells which are meant") as refused:
        put(upload)
    assert f"'{first[:-1]}'" in str(refused.value)
    assert f"'{second[:-1]}'" in str(refused.value)


@pytest.mark.parametrize("older", ["old/", "backup_v1/submission/", "Archive (1)/"])
@pytest.mark.parametrize("home", ["", "work/"])
@pytest.mark.parametrize("forgotten", ["perceiver.pretrain.test.predictions", "trainer.py", "__init__.py"])
def test_the_top_wins_over_a_fuller_copy_below_it(older, home, forgotten, files, folder, put, messages):
    newest = {name: data for name, data in files.items() if name != forgotten}
    submission = put(folder(under(home, newest) | under(home + older, dict.fromkeys(files, b"old"))))
    assert submission.missing == (forgotten,)
    staged = {name: path.read_bytes() for name, path in submission.present.items() if name != "__init__.py"}
    assert staged == {name: data for name, data in newest.items() if name != "__init__.py"}
    place = show(home.rstrip("/")) or "the top folder"
    assert any(note.startswith(f"not used, because the files in '{place}' are graded: ") for note in submission.notes)
    if forgotten != "__init__.py":
        assert messages(submission)[forgotten].startswith(f"{forgotten}: not in '{place}'; '{home}{older}"[:-1])


def test_new_code_above_an_older_copy_with_results_is_graded_without_them(files, folder, put):
    code = {name: data for name, data in files.items() if name in CODE}
    submission = put(folder(code | under("old/", dict.fromkeys(files, b"old"))))
    assert set(submission.present) == set(CODE)
    assert submission.present["model.py"].read_bytes() == files["model.py"]


def test_a_stray_file_at_the_top_does_not_hide_the_work_below(files, folder, put, messages):
    submission = put(folder({"utils.py": b"stray", "model.py": b"stray"} | under("src/submission/", files)))
    assert messages(submission) == {}
    assert submission.present["utils.py"].read_bytes() == files["utils.py"]


def test_results_below_the_code_are_no_copy(files, folder, put, messages):
    results = {f"results/{name}": data for name, data in files.items() if name not in CODE}
    submission = put(folder({name: files[name] for name in CODE} | results))
    assert messages(submission) == {}
    assert any(note.startswith("taken from 'results': ") for note in submission.notes)


def test_at_home_folders_below_are_not_meant_whatever_they_hold(files, folder, tmp_path, deliverables):
    upload = folder({"model.py": b"newest"} | under("backup/", files) | under("other/", files))
    submission = stage(upload, tmp_path / "own", deliverables, at_home=True)
    assert (set(submission.present), submission.present["model.py"].read_bytes()) == ({"model.py"}, b"newest")
    assert not any("backup" in note for note in submission.notes)
    discard(submission.tree)


def test_code_and_results_may_lie_in_two_folders(files, folder, put, messages):
    code = {name: data for name, data in files.items() if name in CODE}
    results = {name: data for name, data in files.items() if name not in CODE}
    submission = put(
        folder(under("submission/", code) | results | {"__init__.py": b"stray", "submission/blocks.py": b"own"})
    )
    assert messages(submission) == {}
    assert submission.present["__init__.py"].read_bytes() == files["__init__.py"]
    assert submission.extras == ("blocks.py",)
    assert "taken from 'submission': " + ", ".join(CODE) in submission.notes


def test_what_home_lacks_is_taken_from_the_one_place_that_has_it(files, folder, put, messages):
    split = dict(files)
    split["weights/big/vanilla.model.params"] = split.pop("vanilla.model.params")
    submission = put(folder(under("submission/", split)))
    assert messages(submission) == {}
    assert "taken from 'submission/weights/big': vanilla.model.params" in submission.notes


def test_what_home_lacks_and_two_places_have_is_not_guessed(files, folder, put, messages):
    split = dict(files)
    split["old/vanilla.model.params"] = split["new/vanilla.model.params"] = split.pop("vanilla.model.params")
    assert messages(put(folder(split))) == {
        "vanilla.model.params": "vanilla.model.params: lies in 'new' and 'old', but not in 'the top folder' with the "
        "others; upload it once, there"
    }


def test_another_packages_init_is_never_taken(files, folder, put, messages):
    split = dict(files)
    split["harness/__init__.py"] = split.pop("__init__.py")
    assert messages(put(folder(split))) == {"__init__.py": explain(load().uploads_by_name["__init__.py"])}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("model (1).py", "model.py"),
        ("Model.py", "model.py"),
        ("model copy.py", "model.py"),
        ("model 2.py", "model.py"),
        ("model.py.txt", "model.py"),
        ("model.py.py", "model.py"),
        ("Copy of model.py", "model.py"),
        ("init.py", "__init__.py"),
        ("helpers.py", "helper.py"),
        ("vanilla.model.params.txt", "vanilla.model.params"),
        ("vanilla_model.params", "vanilla.model.params"),
        ("vanilla.model.params.pt", "vanilla.model.params"),
        ("vanilla.finetune (2).params", "vanilla.finetune.params"),
        ("vanilla.nopretrain.dev.predictions.txt", "vanilla.nopretrain.dev.predictions"),
        ("vanilla.nopretrain.dev.prediction", "vanilla.nopretrain.dev.predictions"),
    ],
)
def test_a_misnamed_file_is_recognised(found, wanted, files, folder, put, messages):
    contents = dict(files)
    contents[found] = contents.pop(wanted)
    upload = folder(contents)
    assert messages(put(upload)) == {wanted: f"{wanted}: missing, but found '{found}': rename it to '{wanted}'"}


def test_a_misnamed_file_is_blamed_for_its_own_name_only(files, folder, put, messages):
    contents = {name: data for name, data in files.items() if name != "vanilla.pretrain.dev.predictions"}
    contents["vanilla.nopretrain.dev.predictions.txt"] = b"a second copy of another file"
    assert messages(put(folder(contents))) == {
        "vanilla.pretrain.dev.predictions": explain(load().uploads_by_name["vanilla.pretrain.dev.predictions"])
    }


def test_a_copy_beside_the_right_file_is_no_problem(files, folder, put, messages):
    assert messages(put(folder(files | {"model (1).py": b"x", "vanilla.model.params.txt": b"x"}))) == {}


def test_only_what_nothing_stands_for_counts_as_absent(files, folder, put):
    gone = {"model.py", "trainer.py", "utils.py"}
    contents = {name: data for name, data in files.items() if name not in gone} | {"model (1).py": b"1"}
    upload = folder(under("s/", contents) | {"a/trainer.py": b"2", "b/trainer.py": b"3"})
    assert {each.file: each.absent for each in put(upload).complaints} == {
        "model.py": False,  # under another name
        "trainer.py": False,  # in two places
        "utils.py": True,
    }


def test_the_students_own_modules_come_along_and_nothing_else_does(files, folder, put):
    own = {"blocks.py": b"1", "größe.py": b"2", "MODEL.py": b"3", "1.py": b"4", "not-a-module.py": b"5"}
    submission = put(folder(under("s/", files | own) | {"elsewhere.py": b"6"}))
    assert submission.extras == ("blocks.py", "größe.py")
    assert (submission.tree / "submission" / "blocks.py").read_bytes() == b"1"
    assert submission.notes == ("staged beside the code, from 's': blocks.py, größe.py",)
    said = "ignored, because only the deliverables are graded: elsewhere.py, s/1.py, s/MODEL.py, s/not-a-module.py"
    assert submission.ignored == said


def test_own_modules_are_capped_in_number_and_size(files, folder, put):
    own = {f"m{number:02}.py": b"" for number in range(10)} | {"a_large_one.py": b"#" * 2000}
    submission = put(folder(files | own), Caps(extra_files=4, code=1000))
    assert submission.extras == ("m00.py", "m01.py", "m02.py")
    assert any(note.startswith("left out 'a_large_one.py': is 0.001907 MiB, more than") for note in submission.notes)


def test_an_upload_without_any_deliverable_says_so_once_and_names_each_file(deliverables, folder, put, messages):
    submission = put(folder({"essay.docx": b"x"}))
    assert messages(submission) == {wanted.name: explain(wanted) for wanted in deliverables}
    assert submission.notes[0] == "none of the 18 deliverables was found in the upload"
    assert list((submission.tree / "submission").iterdir()) == []


@pytest.mark.parametrize(
    "missing", ["__init__.py", "helper.py", "utils.py", "vanilla.model.params", "perceiver.pretrain.dev.predictions"]
)
def test_one_missing_file_is_one_problem(missing, files, folder, put, messages):
    submission = put(folder({name: data for name, data in files.items() if name != missing}))
    assert messages(submission) == {missing: explain(load().uploads_by_name[missing])}
    assert len(submission.present) == 17


def test_a_missing_file_is_explained_with_the_command_that_makes_it(deliverables):
    assert explain(load().uploads_by_name["vanilla.model.params"]) == (
        "vanilla.model.params: missing; run ./run.sh vanilla_finetune_without_pretrain and upload "
        "src/submission/vanilla.model.params"
    )
    for wanted in deliverables:
        sentence = explain(wanted)
        assert sentence.startswith(f"{wanted.name}: missing; ")
        assert (" ./run.sh " in sentence) == (wanted.kind != "code")
    commands = [explain(wanted).split("./run.sh ")[1].split()[0] for wanted in deliverables if wanted.kind != "code"]
    assert len(set(commands)) == 11


def test_the_older_courses_upload_is_graded_on_what_it_has(files, folder, put, messages):
    """run.py beside the package, no helper.py, no attention.py."""
    older = {name: data for name, data in files.items() if name not in {"helper.py", "attention.py"}}
    submission = put(folder(under("src/", older) | {"src/run.py": b"x", "run.sh": b"x"}))
    assert set(messages(submission)) == {"helper.py", "attention.py"}
    assert submission.extras == ("run.py",)


def test_choosing_is_quick_among_thousands_of_lookalikes(deliverables):
    entries = [
        Entry((f"folder{number}", f"Model ({number}).py.txt" + "x" * (number % 50)), "file") for number in range(20_000)
    ]
    plan = choose(entries, deliverables, Caps())
    assert plan.chosen == {}
    assert set(plan.refusals) == {wanted.name for wanted in deliverables}
