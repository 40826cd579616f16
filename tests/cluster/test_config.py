from pathlib import Path

from splare_os.cluster.config import NodeOptions, java_command, settings, write
from splare_os.cluster.distribution import Distribution

FOLDER = Path("/var/my node")


def test_settings_bind_to_loopback_and_those_asked_for_win():
    options = NodeOptions(port=9201, settings={"node.name": 'a "b"', "indices.x": "5"})
    lines = settings(FOLDER, options).splitlines()
    assert 'network.host: "127.0.0.1"' in lines
    assert 'http.port: "9201"' in lines
    assert 'path.data: "/var/my node/data"' in lines
    assert [line for line in lines if line.startswith("node.name")] == ['node.name: "a \\"b\\""']
    assert 'indices.x: "5"' in lines


def test_java_gets_the_heap_and_no_module_that_it_lacks():
    distribution = Distribution(Path("/opt/my server"), Path("/java"))
    options = NodeOptions(heap_mb=600, jvm_options=("-Dasked=1",))
    command = java_command(FOLDER, distribution, options)
    assert command[0] == "/java/bin/java"
    assert {"-Xms600m", "-Xmx600m", "-XX:MaxDirectMemorySize=300m", "-Dasked=1"} < set(command)
    assert "-Dopensearch.path.home=/opt/my server" in command
    assert not [option for option in command if "incubator" in option]


def test_configuration_is_written_anew_and_data_stay(tmp_path):
    write(tmp_path, NodeOptions(settings={"a.b": "c"}), None)
    (tmp_path / "data" / "index").write_text("")
    write(tmp_path, NodeOptions(), None)
    assert "a.b" not in (tmp_path / "config" / "opensearch.yml").read_text()
    assert (tmp_path / "data" / "index").exists()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
