"""Builds container images byte by byte, as layouts and archives, so that no registry and no engine is needed."""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile

TIME = 1_700_000_000
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def tar(*members):
    """A layer: members are (path, content or None, options). Content None is a directory; `link=` and `hard=` make links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content, *more in members:
            options = dict(more[0]) if more else {}
            info = tarfile.TarInfo(path)
            info.mtime = TIME
            info.mode = options.get("mode", 0o755 if content is None else 0o644)
            if "link" in options:
                info.type, info.linkname = tarfile.SYMTYPE, options["link"]
            elif "hard" in options:
                info.type, info.linkname = tarfile.LNKTYPE, options["hard"]
            elif "type" in options:
                info.type = options["type"]
            elif content is None:
                info.type = tarfile.DIRTYPE
            data = b"" if content is None else content if isinstance(content, bytes) else content.encode()
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Image:
    """An image of some layers. The configuration is what `docker inspect` shows: Entrypoint, Cmd, Env, WorkingDir."""

    def __init__(self, *layers, architecture="amd64", compressed=True, layer_type=None, **config):
        self.blobs = {}
        self.layers = layers
        packed = [gzip.compress(layer, mtime=0) if compressed else layer for layer in layers]
        self.layer_type = layer_type or (GZIP if compressed else GZIP.removesuffix("+gzip"))
        self.config = json.dumps({
            "architecture": architecture, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}" for layer in layers]}}).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.descriptor("application/vnd.oci.image.config.v1+json", self.config),
            "layers": [self.descriptor(self.layer_type, layer) for layer in packed]}).encode()
        self.digest = self.descriptor("", self.manifest)["digest"].removeprefix("sha256:")

    def descriptor(self, media_type, data):
        digest = sha256(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def files(self, tag="latest"):
        index = {"schemaVersion": 2, "manifests": [
            self.descriptor("application/vnd.oci.image.manifest.v1+json", self.manifest)
            | {"annotations": {"org.opencontainers.image.ref.name": tag}}]}
        return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()} | {
            f"blobs/sha256/{digest}": data for digest, data in self.blobs.items()}

    def layout(self, directory, tag="latest"):
        """Writes an image layout; returns its URI."""
        for name, data in self.files(tag).items():
            path = pathlib.Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return f"oci:{directory}:{tag}"

    def archive(self, path, tag="latest"):
        pathlib.Path(path).write_bytes(tar(*self.files(tag).items()))
        return f"oci-archive:{path}:{tag}"

    def docker_archive(self, path, *names):
        """What `docker save` writes."""
        config = f"{sha256(self.config)}.json"
        layers = {f"{sha256(layer)}/layer.tar": layer for layer in self.layers}
        manifest = [{"Config": config, "RepoTags": list(names), "Layers": list(layers)}]
        members = list(layers.items()) + [(config, self.config), ("manifest.json", json.dumps(manifest).encode())]
        pathlib.Path(path).write_bytes(tar(*members))
        return f"docker-archive:{path}"
