import Base
import Testing

@testable import Lambda

private let layer = TarWriter.tar(.file("run", mode: 0o755))

private func library(_ directory: String?, anyPath: Bool = true) -> ImageLibrary {
  ImageLibrary(directory: directory, allowsAnyPath: anyPath)
}

@Test func `an image says how it is run, and its digest is that of its manifest`() throws {
  let image = TestImage(
    [layer], config: #"{"Entrypoint":["/run","a"],"Cmd":["b"],"WorkingDir":"/w","Env":["A=1","B=x=y","bad","=c"],"User":"nobody"}"#)
  let manifest = try library(nil).find(image.uri).manifest
  #expect(manifest.digest == image.digest && manifest.layers.map(\.diffID) == [ImageManifest.sha256(layer)])
  #expect(manifest.settings == ContainerSettings(entryPoint: ["/run", "a"], command: ["b"], workingDirectory: "/w"))
  #expect(manifest.environment == ["A": "1", "B": "x=y"])
  for name in [image.uri + ":latest", image.uri + "@sha256:" + image.digest] {
    #expect(try library(nil).find(name).manifest == manifest)
  }
  #expect(throws: ImageError.notFound) { try library(nil).find(image.uri + ":other") }
}

@Test func `only places below the directory may be read where keys count`() throws {
  let image = TestImage([layer])
  let parent = String(image.directory.path.dropLast(image.directory.path.split(separator: "/").last?.count ?? 0).dropLast())
  #expect(try library(parent, anyPath: false).find(image.uri).manifest.digest == image.digest)
  #expect(throws: ImageError.notFound) { try library(image.directory.path, anyPath: false).find(image.uri) }
  #expect(throws: ImageError.notFound) { try library(nil, anyPath: false).find(image.uri) }
}

@Test func `a document that is not what its digest says is refused`() throws {
  let image = TestImage([layer])
  let manifest = "blobs/sha256/\(image.digest)"
  image.write((TemporaryDirectory.text("\(image.directory.path)/\(manifest)") ?? "") + " ", to: manifest)
  #expect(throws: ImageError.self) { try library(nil).find(image.uri) }
}

@Test(arguments: [
  #"{"manifests":[]}"#, #"{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../x","size":1}]}"#,
  #"{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%","size":-1}]}"#, "[]", "{", "",
])
func `an index that names no image is refused`(index: String) {
  let image = TestImage([layer])
  image.write(index.replacing("%", by: String(repeating: "0", count: 64)), to: "index.json")
  #expect(throws: ImageError.self) { try library(nil).find(image.uri) }
}

@Test(arguments: [
  "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.nondistributable.v1.tar", "text/plain",
])
func `layers of other kinds are refused in time`(type: String) throws {
  let image = TestImage([layer])
  let path = "\(image.directory.path)/blobs/sha256/\(image.digest)"
  let manifest = (TemporaryDirectory.text(path) ?? "").replacing("application/vnd.oci.image.layer.v1.tar", by: type)
  let descriptor = image.descriptor("application/vnd.oci.image.manifest.v1+json", Array(manifest.utf8))
  image.write(#"{"manifests":[\#(descriptor)]}"#, to: "index.json")
  #expect(throws: ImageError.unsupportedMediaType(type)) { try library(nil).find(image.uri) }
}

@Test func `a tree is made of an image with the places that a sandbox needs`() async throws {
  let image = TestImage([layer, TarWriter.tar(.link("tmp", to: "/oldroot"), .file("etc/hosts", "own"))])
  let cache = TemporaryDirectory()
  let store = ImageStore(library: library(nil), directory: cache.path + "/images")
  let path = try await store.directory(for: image.uri, digest: image.digest)
  #expect(path == "\(cache.path)/images/\(image.digest)")
  #expect(TemporaryDirectory.names(path) == ["dev", "etc", "proc", "run", "tmp"])
  #expect(TemporaryDirectory.names(path + "/etc") == ["group", "hosts", "passwd", "resolv.conf"])
  #expect(TemporaryDirectory.mode(path + "/tmp") & 0o170000 == 0o040000)
  #expect(await store.digests() == [image.digest])
  try await store.remove(image.digest)
  #expect(await store.digests().isEmpty)
}

@Test func `an image that has changed under its name is not taken for the old one`() async throws {
  let image = TestImage([layer]), other = TestImage([TarWriter.tar(.file("run", "2"))])
  let store = ImageStore(library: library(nil), directory: image.directory.path + "/cache")
  await #expect(throws: ImageError.notFound) { try await store.directory(for: other.uri, digest: image.digest) }
}

@Test func `a layer that is not what the manifest says leaves no tree behind`() async throws {
  let image = TestImage([layer])
  image.write(TarWriter.tar(.file("run", "2", mode: 0o755)), to: "blobs/sha256/\(ImageManifest.sha256(layer))")
  let cache = TemporaryDirectory()
  let store = ImageStore(library: library(nil), directory: cache.path)
  await #expect(throws: ImageError.self) { try await store.directory(for: image.uri, digest: image.digest) }
  #expect(TemporaryDirectory.names(cache.path).isEmpty)
}

@Test func `functions of images live in the control plane`() async throws {
  let test = TestPlane()
  let image = TestImage([layer])
  let creation = { (name: String) in
    TestPlane.creation(name) { input in
      (input.packageType, input.runtime, input.handler) = ("Image", nil, nil)
      var code = FunctionCode()
      code.imageUri = image.uri
      input.code = code
    }
  }
  let created = FunctionConfiguration(try await test.run(creation("boxed")))
  #expect(created.packageType == "Image" && created.codeSha256 == image.digest && created.state == "Pending")
  #expect(created.runtime == nil && created.handler == nil)
  try await test.settle()
  #expect(try await test.configuration("boxed").state == "Active")
  // The row survives being written and read.
  let id = FunctionID(account: .one, region: .usEast1, name: "boxed")
  let stored = try #require(try await test.store.read { try FunctionRows($0).function(id) })
  #expect(stored.latest.image == ImageSource(uri: image.uri, settings: ContainerSettings(entryPoint: ["/run"]), environment: [:]))
  #expect(try StoredFunction(row: stored.row) == stored)
}
