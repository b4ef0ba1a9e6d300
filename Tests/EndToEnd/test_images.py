"""Functions made of container images: layouts and archives on the host, built here byte by byte."""

import json
import os
import shutil
import subprocess
import tarfile

import pytest

from harness import Cloud, Server, wait_until
from images import Image, tar
from lambdas import MEMORY, Function, deploy, make_role, python
import runtime_client

# A runtime client with nothing but sockets. The event is a text: a command and a path.
CLIENT = runtime_client.CLIENT + r"""
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

static void run(const char *command, const char *path, char *out, size_t size) {
  char link[512] = {0};
  struct stat status;
  if (!strcmp(command, "read")) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (n < 0) snprintf(out, size, "%s", strerror(errno)); else out[n] = 0;
  } else if (!strcmp(command, "write")) {
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    snprintf(out, size, "%s", fd < 0 ? strerror(errno) : "written");
  } else if (!strcmp(command, "list")) {
    DIR *directory = opendir(path);
    if (!directory) { snprintf(out, size, "%s", strerror(errno)); return; }
    struct dirent *entries[256], *entry;
    int count = 0;
    while ((entry = readdir(directory)) && count < 256) if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) entries[count++] = entry;
    for (int i = 0; i < count; i++) { strcat(out, entries[i]->d_name); strcat(out, " "); }
  } else if (!strcmp(command, "stat")) {
    if (lstat(path, &status)) { snprintf(out, size, "%s", strerror(errno)); return; }
    if (S_ISLNK(status.st_mode) && readlink(path, link, 511) < 0) return;
    snprintf(out, size, "%o %ld %ld %s", status.st_mode, (long)status.st_nlink, (long)status.st_mtime, link);
  } else if (!strcmp(command, "env")) snprintf(out, size, "%s", getenv(path) ? getenv(path) : "(none)");
  else if (!strcmp(command, "exit")) exit(atoi(path));
  else if (!strcmp(command, "user")) {
    FILE *users = fopen("/etc/passwd", "r");
    struct passwd *user = NULL;
    while (users && (user = fgetpwent(users)) && user->pw_uid != getuid());
    snprintf(out, size, "%s", user ? user->pw_name : "(none)");
    if (users) fclose(users);
  }
}

int main(int count, char **arguments) {
  for (;;) {
    ask("GET", "invocation/next", "");
    char *head = strcasestr(buffer, "lambda-runtime-aws-request-id: "), *body = strstr(buffer, "\r\n\r\n");
    if (!head || !body) return 11;
    char id[64] = {0}, path[160], answer[8192], out[4096] = {0}, command[32] = {0}, argument[512] = {0}, directory[512];
    sscanf(head + strlen("lambda-runtime-aws-request-id: "), "%63[0-9a-f-]", id);
    sscanf(body + 5, "%31[a-z] %511[^\"]", command, argument);
    run(command, argument, out, sizeof out);
    int length = snprintf(answer, sizeof answer, "{\"cwd\":\"%s\",\"out\":\"", getcwd(directory, 512));
    for (char *c = out; *c; c++) {
      if (*c == '\n') { answer[length++] = '\\'; answer[length++] = 'n'; }
      else { if (*c == '"' || *c == '\\') answer[length++] = '\\'; answer[length++] = *c; }
    }
    length += snprintf(answer + length, sizeof answer - length, "\",\"arguments\":[");
    for (int i = 0; i < count; i++) length += snprintf(answer + length, sizeof answer - length, "%s\"%s\"", i ? "," : "", arguments[i]);
    snprintf(answer + length, sizeof answer - length, "]}");
    printf("ran %s\n", command);
    fflush(stdout);
    snprintf(path, sizeof path, "invocation/%s/response", id);
    ask("POST", path, answer);
  }
}
"""


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    """The client as a static program."""
    directory = tmp_path_factory.mktemp("client")
    (directory / "client.c").write_text(CLIENT)
    subprocess.run(["gcc", "-O1", "-w", "-static", "-o", directory / "client", directory / "client.c"], check=True)
    return (directory / "client").read_bytes()


def base(client):
    return tar(("app", None), ("app/client", client, {"mode": 0o755}), ("etc", None))


def create(cloud, uri, name="boxed", wait=True, **options):
    function = Function(cloud, name)
    options = {"Timeout": 20, "MemorySize": MEMORY, "Role": None} | options
    options["Role"] = options["Role"] or make_role(cloud, f"role-of-{name}")
    answer = function.client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, **options)
    return function.wait_ready() if wait else answer


def out(function, command):
    return function.invoke(command).value["out"]


def test_a_function_of_an_image_runs_what_the_image_says(cloud, client, tmp_path):
    image = Image(base(client), Entrypoint=["/app/client"], Cmd=["one", "two"], WorkingDir="/app", Env=["ONE=image", "TWO=image"])
    uri = image.layout(tmp_path / "layout")
    role = make_role(cloud)
    created = create(cloud, uri, wait=False, Role=role, Environment={"Variables": {"TWO": "function"}})
    assert created["State"] == "Pending" and created["PackageType"] == "Image"
    assert created["CodeSha256"] == image.digest and created["CodeSize"] == 0
    assert not {"Runtime", "Handler", "ImageConfigResponse"} & created.keys()
    function = Function(cloud, "boxed").wait_ready()
    answer = function.invoke("env ONE")
    assert answer.value == {"cwd": "/app", "out": "image", "arguments": ["/app/client", "one", "two"]}
    assert "ran env\n" in answer.log and "INIT_START" not in answer.log
    assert out(function, "env TWO") == "function"
    assert out(function, "env AWS_LAMBDA_FUNCTION_NAME") == "boxed"
    assert out(function, "env _HANDLER") == "(none)" and out(function, "env AWS_EXECUTION_ENV") == "(none)"
    code = function.client.get_function(FunctionName="boxed")["Code"]
    assert code == {
        "RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": f"oci:{tmp_path}/layout@sha256:{image.digest}"}


def test_the_tree_is_the_images_and_nothing_of_the_host(cloud, client, tmp_path):
    image = Image(
        base(client),
        tar(("secret", "x", {"mode": 0o600}), ("etc/os-release", "tiny"), ("tmp", "not a directory"), ("opt", None), ("opt/a", "b"),
            ("dev", None), ("dev/null", "", {"type": tarfile.CHRTYPE}), ("link", "", {"link": "/etc/os-release"})),
        Entrypoint=["/app/client"])
    function = create(cloud, image.layout(tmp_path))
    assert set(out(function, "list /").split()) == {"app", "dev", "etc", "link", "opt", "proc", "secret", "tmp"}
    assert out(function, "read /link") == "tiny" and out(function, "read /opt/a") == "b"
    # As on AWS the function is another user than root, whose file this is.
    assert out(function, "read /secret") == "Permission denied"
    assert out(function, "write /app/new") == "Read-only file system"
    assert out(function, "write /tmp/new") == "written"
    assert out(function, "user /") == "sbx_user1051"
    assert "localhost" in out(function, "read /etc/hosts")
    assert "null" in out(function, "list /dev").split()


def test_layers_are_applied_in_order(cloud, client, tmp_path):
    image = Image(
        base(client),
        tar(("d", None), ("d/kept", "1"), ("d/gone", "1"), ("d/changed", "1"), ("o", None), ("o/low", "1"), ("o/deep", None),
            ("o/deep/low", "1"), ("real", None), ("alias", "", {"link": "real"}), ("f", "file"), ("tree", None), ("tree/a", "1"),
            ("v", "version 1")),
        tar(("d/changed", "2"), ("d/.wh.gone", ""), ("o/high", "2"), ("o/.wh..wh..opq", ""), ("alias/through", "2"), ("f", None),
            ("f/inside", "2"), ("tree", "", {"link": "real"}), ("hard", "", {"hard": "v"}), ("run.sh", "#!", {"mode": 0o4755})),
        Entrypoint=["/app/client"])
    function = create(cloud, image.archive(tmp_path / "image.tar"))
    assert set(out(function, "list /d").split()) == {"kept", "changed"} and out(function, "read /d/changed") == "2"
    assert out(function, "list /o").split() == ["high"]
    assert out(function, "read /real/through") == "2"
    assert out(function, "read /f/inside") == "2"
    assert out(function, "stat /tree").endswith(" real")
    assert out(function, "read /hard") == "version 1"
    mode, links, modified, *_ = out(function, "stat /hard").split()
    assert (mode, links, modified) == ("100644", "2", "1700000000")
    # Nothing can become another user in a sandbox.
    assert out(function, "stat /run.sh").startswith("100755 ")


def test_image_config_overrides_what_the_image_says(cloud, client, tmp_path):
    image = Image(
        tar(("usr", None), ("usr/local", None), ("usr/local/real", None), ("bin", "", {"link": "usr/local/real"}),
            ("usr/local/real/client", client, {"mode": 0o755}), ("data", None)),
        Entrypoint=["/nowhere"], Cmd=["one"], Env=["PATH=/opt/none:/bin"])
    function = create(cloud, image.layout(tmp_path), ImageConfig={"EntryPoint": ["client"], "Command": ["x"], "WorkingDirectory": "/data"})
    assert function.invoke("user /").value | {"out": ""} == {"cwd": "/data", "out": "", "arguments": ["/bin/client", "x"]}
    shown = function.client.get_function_configuration(FunctionName="boxed")["ImageConfigResponse"]
    assert shown == {"ImageConfig": {"EntryPoint": ["client"], "Command": ["x"], "WorkingDirectory": "/data"}}
    answer = function.configure(ImageConfig={"EntryPoint": ["/bin/client"]})
    assert answer["ImageConfigResponse"] == {"ImageConfig": {"EntryPoint": ["/bin/client"]}}
    assert function.invoke("user /").value | {"out": ""} == {"cwd": "/", "out": "", "arguments": ["/bin/client", "one"]}
    assert "ImageConfigResponse" not in function.configure(ImageConfig={})
    failure = function.invoke("user /").failure
    assert failure["errorType"] == "Runtime.InvalidEntrypoint"
    assert failure["errorMessage"].endswith("Error: fork/exec /nowhere: no such file or directory")


@pytest.mark.parametrize("config, kind, text", [
    ({"EntryPoint": ["/app/client"], "WorkingDirectory": "/app1"}, "Runtime.InvalidWorkingDir", "chdir /app1: no such file or directory"),
    ({"EntryPoint": ["missing"]}, "Runtime.InvalidEntrypoint", 'exec: "missing": executable file not found in $PATH'),
    ({"EntryPoint": ["/text"]}, "Runtime.InvalidEntrypoint", "fork/exec /text: permission denied"),
    ({"EntryPoint": ["/foreign"]}, "Runtime.InvalidEntrypoint", "fork/exec /foreign: exec format error"),
    ({}, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): []"),
])
def test_a_program_that_cannot_be_started_is_an_error_of_the_function(cloud, client, tmp_path, config, kind, text):
    image = Image(tar(("app", None), ("app/client", client, {"mode": 0o755}), ("text", "x"), ("foreign", "\x7fELF?", {"mode": 0o755})))
    function = create(cloud, image.layout(tmp_path), **({"ImageConfig": config} if config else {}))
    for _ in range(2):
        answer = function.invoke("user /")
        assert answer.failure == {"errorType": kind, "errorMessage": f"RequestId: {answer.request_id} Error: {text}"}


def test_an_image_whose_program_exits_is_reported(cloud, client, tmp_path):
    function = create(cloud, Image(base(client), Entrypoint=["/app/client"]).layout(tmp_path))
    failure = function.invoke("exit 3").failure
    assert failure["errorType"] == "Runtime.ExitError" and failure["errorMessage"].endswith("exit status 3")
    assert out(function, "user /") == "sbx_user1051"


def test_new_code_is_another_image_and_versions_keep_theirs(cloud, client, tmp_path):
    first = Image(base(client), tar(("version", "1")), Entrypoint=["/app/client"])
    second = Image(base(client), tar(("version", "2")), Entrypoint=["/app/client"])
    uri = first.layout(tmp_path / "first")
    function = create(cloud, uri, ImageConfig={"WorkingDirectory": "/app"})
    published = function.client.publish_version(FunctionName="boxed", CodeSha256=first.digest)
    assert published["Version"] == "1" and published["PackageType"] == "Image"
    dry = function.client.update_function_code(FunctionName="boxed", ImageUri=second.layout(tmp_path / "second"), DryRun=True)
    assert dry["CodeSha256"] == second.digest and out(function, "read /version") == "1"
    answer = function.client.update_function_code(FunctionName="boxed", ImageUri=f"oci:{tmp_path}/second:latest")
    assert answer["LastUpdateStatus"] == "InProgress" and answer["CodeSha256"] == second.digest
    assert answer["ImageConfigResponse"]["ImageConfig"] == {"WorkingDirectory": "/app"}
    function.wait_ready()
    assert function.invoke("read /version").value == {"cwd": "/app", "out": "2", "arguments": ["/app/client"]}
    assert function.invoke("read /version", Qualifier="1").value["out"] == "1"
    # A tag that moves is not followed: the function keeps the image that it was made of.
    resolved = function.client.get_function(FunctionName="boxed", Qualifier="1")["Code"]["ResolvedImageUri"]
    assert resolved == f"oci:{tmp_path}/first@sha256:{first.digest}"
    assert function.client.update_function_code(FunctionName="boxed", ImageUri=resolved)["CodeSha256"] == first.digest


def test_what_docker_save_writes_is_an_image(cloud, client, tmp_path):
    image = Image(base(client), Entrypoint=["/app/client"])
    uri = image.docker_archive(tmp_path / "saved.tar", "docker.io/library/boxed:2")
    function = create(cloud, uri + ":boxed:2")
    assert out(function, "user /") == "sbx_user1051"
    resolved = function.client.get_function(FunctionName="boxed")["Code"]["ResolvedImageUri"]
    assert function.client.update_function_code(FunctionName="boxed", ImageUri=resolved, DryRun=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory, client):
    """A server with a root key and a directory of images."""
    directory = tmp_path_factory.mktemp("registry")
    images = directory / "images"
    images.mkdir()
    image = Image(base(client), Entrypoint=["/app/client"])
    image.layout(images / "team" / "boxed" / "1.0", tag="anything")
    image.layout(images / "multi", tag="stable")
    image.archive(images / "packed:2.tar")
    image.docker_archive(images / "saved:3.tar", "saved:3")
    image.layout(directory / "outside")
    os.symlink(directory / "outside", images / "sly")
    server = Server(directory, "--image-directory", images, environment={"DEWPOINT_ROOT_KEY": "AKIDROOT:secretsecret:111122223333"}).start()
    cloud = Cloud(server, "111122223333")
    cloud.image = image
    cloud._keys = lambda account, credentials: ("AKIDROOT", "secretsecret", None)
    cloud.role = make_role(cloud, "any")
    yield cloud
    server.stop()


REPOSITORY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/"


@pytest.mark.parametrize("name", ["team/boxed:1.0", "multi:stable", "packed:2", "saved:3"])
def test_a_reference_to_ecr_is_looked_up_in_the_directory_of_images(registry, name):
    function = create(registry, REPOSITORY + name, name="f-" + name.translate(str.maketrans("/:.", "---")))
    assert out(function, "user /") == "sbx_user1051"
    code = function.client.get_function(FunctionName=function.name)["Code"]
    repository, _, tag = name.rpartition(":")
    assert code["ImageUri"] == REPOSITORY + name and code["ResolvedImageUri"].startswith(f"{REPOSITORY}{repository}@sha256:")
    if name == "multi:stable":
        again = function.client.update_function_code(FunctionName=function.name, ImageUri=code["ResolvedImageUri"], DryRun=True)
        assert again["CodeSha256"] == registry.image.digest


@pytest.mark.parametrize("uri, text", [
    (REPOSITORY + "multi:other", "does not exist"), (REPOSITORY + "nobody:1", "does not exist"),
    (REPOSITORY + "multi", "is not valid"), (REPOSITORY + "../multi:stable", "is not valid"), (REPOSITORY + "sly:latest", "does not exist"),
    ("oci:{directory}/outside", "does not exist"), ("oci:/nowhere", "does not exist"), ("oci:relative", "is not valid"),
    ("oci:{directory}/images/../outside", "is not valid"), ("oci:{directory}/images/sly", "does not exist"),
    ("public.ecr.aws/lambda/python:3.12", "is not valid"), ("boxed:latest", "is not valid"), ("", "is not valid"),
])
def test_an_image_that_is_not_there_or_may_not_be_read_is_refused(registry, refused, uri, text):
    uri = uri.format(directory=registry.server.directory)
    with refused("InvalidParameterValueException", 400) as error:
        registry.client("lambda").create_function(
            FunctionName="never", Role=registry.role, PackageType="Image", Code={"ImageUri": uri})
    assert error.message == f"Source image {uri} {text}. Provide a valid source image."


@pytest.mark.parametrize("change, message", [
    ({"Runtime": "python3.13"}, "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."),
    ({"Handler": "a.b"}, "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."),
    ({"Layers": ["arn:aws:lambda:us-east-1:ACCOUNT:layer:a:1"]},
     "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."),
    ({"Code": {"ZipFile": b"PK"}}, "Please provide ImageUri when creating a function with packageType Image."),
    ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "ContainerImage is not supported for SnapStart enabled functions."),
    ({"ImageConfig": {"Command": ["x" * 17000]}}, "The settings of the container image exceed the limit of 16384 bytes."),
    ({"PackageType": "Zip"}, "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
])
def test_what_an_image_function_cannot_have_is_refused(cloud, client, refused, tmp_path, change, message):
    uri = Image(base(client), Entrypoint=["/app/client"]).layout(tmp_path)
    if "Layers" in change:
        change = {"Layers": [arn.replace("ACCOUNT", cloud.account) for arn in change["Layers"]]}
    if change.get("PackageType") == "Zip":
        change = change | {"Code": {"ZipFile": python("x = 1")}}
    with refused("InvalidParameterValueException", 400) as error:
        cloud.client("lambda").create_function(
            **{"FunctionName": "never", "Role": make_role(cloud), "PackageType": "Image", "Code": {"ImageUri": uri}} | change)
    assert error.message.startswith(message)


def test_a_function_stays_what_it_is(cloud, client, refused, tmp_path):
    uri = Image(base(client), Entrypoint=["/app/client"]).layout(tmp_path)
    function = create(cloud, uri)
    with refused("InvalidParameterValueException", containing="Please provide ImageUri when updating a function with packageType Image."):
        function.client.update_function_code(FunctionName="boxed", ZipFile=python("x = 1"))
    for change in ({"Handler": "a.b"}, {"Runtime": "python3.13"}):
        with refused("InvalidParameterValueException", containing="Please don't provide Handler or Runtime or Layer"):
            function.client.update_function_configuration(FunctionName="boxed", **change)
    deploy(cloud, "def handler(event, context): return 1", name="zipped")
    with refused("InvalidParameterValueException", containing="Please don't provide ImageUri when updating a function with packageType Zip."):
        function.client.update_function_code(FunctionName="zipped", ImageUri=uri)
    with refused("InvalidParameterValueException", containing="Please don't provide ImageConfig"):
        function.client.update_function_configuration(FunctionName="zipped", ImageConfig={"Command": ["x"]})


@pytest.mark.parametrize("kind", ["zstd", "index", "artifact"])
def test_media_types_that_lambda_does_not_take_are_refused(cloud, client, refused, tmp_path, kind):
    image = Image(
        base(client), Entrypoint=["/app/client"],
        layer_type="application/vnd.oci.image.layer.v1.tar+zstd" if kind == "zstd" else None)
    uri = image.layout(tmp_path)
    index = tmp_path / "index.json"
    if kind == "index":
        index.write_text(index.read_text().replace("image.manifest.v1", "image.index.v1"))
    if kind == "artifact":
        index.write_text(index.read_text().replace("vnd.oci.image.manifest.v1", "vnd.acme.v1"))
    with refused("InvalidParameterValueException", 400) as error:
        create(cloud, uri)
    assert error.message == f"The image manifest, config or layer media type for the source image {uri} is not supported."


def failed(function):
    def state():
        answer = function.client.get_function_configuration(FunctionName=function.name)
        return answer["State"] == "Failed" and answer
    return wait_until(state, f"{function.name} has failed")


@pytest.mark.parametrize("what", ["digest", "upwards", "missing", "truncated", "circle"])
def test_an_image_with_a_broken_layer_makes_a_failed_function(cloud, client, refused, tmp_path, what):
    bad = {"upwards": tar(("a/../../b", "x")), "circle": tar(("a", "", {"link": "b"}), ("b", "", {"link": "a"}), ("a/c", "x")),
           "truncated": tar(("a", "x" * 2000))[:1024]}.get(what, tar(("a", "x")))
    image = Image(base(client), bad, Entrypoint=["/app/client"])
    uri = image.layout(tmp_path)
    blob = tmp_path / "blobs/sha256" / [layer["digest"] for layer in json.loads(image.manifest)["layers"]][1].removeprefix("sha256:")
    if what == "digest":
        blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    if what == "missing":
        blob.unlink()
    create(cloud, uri, wait=False)
    answer = failed(Function(cloud, "boxed"))
    assert answer["StateReasonCode"] == "InvalidImage", answer
    with refused("ResourceConflictException", 409):
        cloud.client("lambda").update_function_configuration(FunctionName="boxed", Timeout=5)
    cloud.client("lambda").delete_function(FunctionName="boxed")


def test_images_survive_a_restart_and_a_lost_cache(own_cloud, client, tmp_path):
    image = Image(base(client), Entrypoint=["/app/client"])
    function = create(own_cloud, image.layout(tmp_path / "image"))
    assert out(function, "user /") == "sbx_user1051"
    own_cloud.restart()
    assert out(function, "user /") == "sbx_user1051"
    own_cloud.server.kill()
    trees = [path for path in own_cloud.server.data.rglob(image.digest) if path.is_dir()]
    assert len(trees) == 1
    shutil.rmtree(trees[0])
    own_cloud.server.start()
    assert out(function, "user /") == "sbx_user1051"


def test_a_tree_that_nobody_needs_is_removed(own_cloud, client, tmp_path):
    image = Image(base(client), Entrypoint=["/app/client"])
    uri = image.layout(tmp_path / "image")
    for name in ("one", "two"):
        create(own_cloud, uri, name=name)
    trees = lambda: list((own_cloud.server.data / "lambda/images").glob(f"*{image.digest}*"))
    assert len(trees()) == 1
    own_cloud.client("lambda").delete_function(FunctionName="one")
    own_cloud.clock.advance("2h")
    assert out(Function(own_cloud, "two"), "user /") == "sbx_user1051"
    own_cloud.client("lambda").delete_function(FunctionName="two")
    own_cloud.clock.advance("2h")
    wait_until(lambda: not trees(), "the tree is gone")


@pytest.mark.skipif(shutil.which("ldd") is None, reason="this host has no ldd")
def test_programs_of_the_image_find_the_libraries_of_the_image(cloud, client, tmp_path):
    """A shell with its dynamic linker, below links as distributions make them."""
    shell = os.path.realpath(shutil.which("sh"))
    libraries = [word for word in subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout.split() if word.startswith("/")]
    members = [("usr", None), ("usr/bin", None), ("bin", "", {"link": "usr/bin"}), ("usr/lib", None), ("lib", "", {"link": "usr/lib"}),
               ("usr/lib64", None), ("lib64", "", {"link": "usr/lib64"}),
               ("usr/bin/sh", open(shell, "rb").read(), {"mode": 0o755}), ("usr/bin/client", client, {"mode": 0o755})]
    members += [(path.lstrip("/").replace("lib", "usr/lib", 1) if not path.startswith("/usr") else path.lstrip("/"),
                 open(os.path.realpath(path), "rb").read(), {"mode": 0o755}) for path in libraries]
    image = Image(tar(*members), Entrypoint=["sh", "-c", 'echo started >&2; exec client "$0"'], Cmd=["hello"], Env=["PATH=/usr/bin:/bin"])
    function = create(cloud, image.layout(tmp_path))
    assert function.invoke("user /").value["arguments"] == ["client", "hello"]
