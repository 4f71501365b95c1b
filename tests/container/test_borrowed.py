"""pip's configuration, read and lent: these need no container."""

from tests.container import borrowed


def test_the_environment_wins_over_files_and_other_options_are_not_lent():
    listing = ":env:.find-links='/wheels'\nglobal.find-links='/other'\nglobal.cert='/ca.pem'\ninstall.user='true'\n"
    assert borrowed.pip_settings(listing) == {"find-links": "/wheels", "cert": "/ca.pem"}


def test_a_machine_without_configuration_lends_nothing():
    assert borrowed.pip_settings("") == {}
    assert borrowed.local_places({}) == ()


def test_folders_of_wheels_are_lent_as_they_are_and_indexes_with_what_they_link_to(tmp_path):
    wheels, index = tmp_path / "wheels", tmp_path / "index" / "simple"
    wheels.mkdir()
    index.mkdir(parents=True)
    settings = {
        "find-links": f"{wheels} https://example.org/wheels {tmp_path / 'absent'}",
        "extra-index-url": f"{index.as_uri()} https://example.org/simple",
    }
    assert borrowed.local_places(settings) == (wheels, index.parent)
