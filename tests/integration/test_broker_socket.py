"""Where a broker may listen."""

from __future__ import annotations


def test_a_file_that_is_not_a_socket_is_left_alone(run, folder):
    file = folder / "site.toml"
    file.write_text("precious")
    ended = run("ess_bus.broker.command", "--bus", f"ipc://{file}")
    assert ended.returncode == 1
    assert ended.stderr == f"fims_server: cannot listen on ipc://{file}: there is a file that is not a socket\n"
    assert file.read_text() == "precious"
