import Base
import Testing

@testable import Lambda

private typealias Tar = TarWriter

/// Applies layers and shows the tree, a line for each file: `path text`, `path -> target` or `path/`.
private func tree(_ layers: [[UInt8]], in root: String) throws -> [String] {
  var budget = ImageBudget()
  for layer in layers {
    var reader = TarReader(), writer = LayerWriter(root: ImageRoot(path: root))
    defer { writer.close() }
    try reader.read(layer[...]) { try writer.apply($0, &budget) }
    try reader.finish()
  }
  return lines(of: root, "")
}

private func lines(of root: String, _ path: String) -> [String] {
  TemporaryDirectory.names(root + path).flatMap { name in
    let place = "\(path)/\(name)"
    if TemporaryDirectory.mode(root + place) & 0o170000 == 0o040000 { return ["\(place)/"] + lines(of: root, place) }
    if TemporaryDirectory.mode(root + place) & 0o170000 == 0o120000 { return ["\(place) link"] }
    return ["\(place) \(TemporaryDirectory.text(root + place) ?? "?")"]
  }
}

@Test(arguments: [
  ("a later file wins", [Tar.tar(.file("a", "1"), .file("b", "1")), Tar.tar(.file("a", "2"))], ["/a 2", "/b 1"]),
  ("directories are made on the way", [Tar.tar(.file("a/b/c"))], ["/a/", "/a/b/", "/a/b/c x"]),
  ("a whiteout hides a file", [Tar.tar(.file("a/b"), .file("a/c")), Tar.tar(.file("a/.wh.b"))], ["/a/", "/a/c x"]),
  ("a whiteout hides a directory", [Tar.tar(.file("a/b/c")), Tar.tar(.file("a/.wh.b"))], ["/a/"]),
  ("a whiteout of nothing there", [Tar.tar(.file("a")), Tar.tar(.file(".wh.b"))], ["/a x"]),
  ("a whiteout leaves what its own layer brought", [Tar.tar(.file("a/b")), Tar.tar(.file("a/c"), .file(".wh.a"))], ["/a/", "/a/c x"]),
  ("an opaque directory", [Tar.tar(.file("a/b"), .file("a/c/d")), Tar.tar(.file("a/e"), .file("a/.wh..wh..opq"))], ["/a/", "/a/e x"]),
  ("an opaque mark that comes first", [Tar.tar(.file("a/b")), Tar.tar(.file("a/.wh..wh..opq"), .file("a/e"))], ["/a/", "/a/e x"]),
  ("an opaque directory keeps what is brought below", [Tar.tar(.file("a/b/c")), Tar.tar(.file("a/b/d"), .file("a/.wh..wh..opq"))],
   ["/a/", "/a/b/", "/a/b/d x"]),
  ("notes of a storage driver", [Tar.tar(.file(".wh..wh.plnk/1.2"), .file(".wh..wh.aufs"))], ["/.wh..wh.plnk/", "/.wh..wh.plnk/1.2 x"]),
  ("a directory in the place of a file", [Tar.tar(.file("a")), Tar.tar(.directory("a"), .file("a/b"))], ["/a/", "/a/b x"]),
  ("a file in the place of a directory", [Tar.tar(.file("a/b")), Tar.tar(.file("a"))], ["/a x"]),
  ("a directory in the place of a link", [Tar.tar(.directory("r"), .link("a", to: "r")), Tar.tar(.directory("a"), .file("a/b"))],
   ["/a/", "/a/b x", "/r/"]),
  ("a path through a link of a lower layer", [Tar.tar(.directory("usr/lib"), .link("lib", to: "usr/lib")), Tar.tar(.file("lib/a"))],
   ["/lib link", "/usr/", "/usr/lib/", "/usr/lib/a x"]),
  ("a path through an absolute link", [Tar.tar(.directory("usr/lib"), .link("lib", to: "/usr/lib"), .file("lib/a"))],
   ["/lib link", "/usr/", "/usr/lib/", "/usr/lib/a x"]),
  ("a link that leads above the root ends there", [Tar.tar(.link("up", to: "../../../../../../tmp"), .file("up/a"))], ["/tmp/", "/tmp/a x", "/up link"]),
  ("a hard link to a lower layer", [Tar.tar(.file("a", "1")), Tar.tar(.hard("b", to: "a"))], ["/a 1", "/b 1"]),
  ("a hard link over itself", [Tar.tar(.file("a", "1"), .hard("a", to: "./a"))], ["/a 1"]),
  ("devices are left out", [Tar.tar(.file("a"), .file("null").with { $0.type = "3" }, .file("fifo").with { $0.type = "6" })], ["/a x"]),
] as [(String, [[UInt8]], [String])])
func `layers are laid over each other`(what: String, layers: [[UInt8]], expected: [String]) throws {
  let directory = TemporaryDirectory()
  #expect(try tree(layers, in: directory.path) == expected, "\(what)")
}

@Test(arguments: [
  ("a name that leads upwards", [Tar.tar(.file("../out"))]),
  ("a name that leads upwards on the way", [Tar.tar(.file("a/../../out"))]),
  ("a hard link that leads upwards", [Tar.tar(.hard("a", to: "../out"))]),
  ("a hard link to nothing", [Tar.tar(.hard("a", to: "nothing"))]),
  ("a hard link to a directory", [Tar.tar(.directory("d"), .hard("a", to: "d"))]),
  ("a hard link through a link out of the root", [Tar.tar(.link("up", to: "/../../../../etc"), .hard("a", to: "up/passwd"))]),
  ("links in circles", [Tar.tar(.link("a", to: "b"), .link("b", to: "a"), .file("a/c"))]),
  ("a link to itself", [Tar.tar(.link("a", to: "a"), .file("a/c"))]),
  ("a file in the place of a parent", [Tar.tar(.file("a"), .file("a/b"))]),
  ("an empty link", [Tar.tar(.link("a", to: ""))]),
  ("a whiteout of its own directory", [Tar.tar(.file("a/.wh.."))]),
  ("a whiteout of the parent", [Tar.tar(.file("a/.wh..."))]),
  ("a whiteout without a name", [Tar.tar(.file("a/.wh."))]),
] as [(String, [[UInt8]])])
func `hostile layers are refused and write nothing outside`(what: String, layers: [[UInt8]]) throws {
  let directory = TemporaryDirectory()
  let root = directory.path + "/root"
  try ImageRoot.makeDirectory(root)
  writeFile([1], to: directory.path + "/witness")
  #expect(throws: PackageError.self, "\(what)") { try tree(layers, in: root) }
  #expect(TemporaryDirectory.names(directory.path) == ["root", "witness"])
}

@Test func `modes are narrowed to what cannot harm, and times are kept`() throws {
  let directory = TemporaryDirectory()
  _ = try tree(
    [Tar.tar(.file("set", mode: 0o4777), .file("closed", mode: 0o600), .directory("none", mode: 0), .directory("open", mode: 0o1777))],
    in: directory.path)
  let modes = ["set", "closed", "none", "open"].map { TemporaryDirectory.mode("\(directory.path)/\($0)") & 0o7777 }
  #expect(modes == [0o755, 0o600, 0o700, 0o755])
}

@Test func `there is an end to what the layers of an image may bring`() throws {
  let directory = TemporaryDirectory()
  var budget = ImageBudget(entries: 2), reader = TarReader(), writer = LayerWriter(root: ImageRoot(path: directory.path))
  defer { writer.close() }
  #expect(throws: PackageError.defect("too many files")) {
    try reader.read(Tar.tar(.file("a"), .file("b"), .file("c"))[...]) { try writer.apply($0, &budget) }
  }
}

@Test(arguments: [
  ("/bin/run", "/bin/run"), ("run", "/usr/bin/run"), ("./run", "/app/./run"), ("missing", nil), ("text", nil), ("directory", nil),
  ("far", "/opt/far"),
] as [(String, String?)])
func `the program of an entry point is looked up as in the image`(word: String, found: String?) throws {
  let directory = TemporaryDirectory()
  _ = try tree(
    [
      Tar.tar(
        .file("usr/bin/run", mode: 0o755), .link("bin", to: "/usr/bin"), .file("usr/bin/text"), .directory("usr/bin/directory"),
        .file("opt/real", mode: 0o755), .link("opt/far", to: "../../../opt/real"))
    ], in: directory.path)
  let root = ImageRoot(path: directory.path)
  #expect(root.program(word, searchPath: "relative:/nowhere:/usr/bin:/bin:/opt", workingDirectory: "/app") == found)
}
