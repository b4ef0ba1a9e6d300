import Base
import Testing

@testable import Lambda

private func read(_ archive: [UInt8], pieces: Int = .max) throws -> [(entry: TarEntry, text: String)] {
  var found: [(entry: TarEntry, text: String)] = []
  var reader = TarReader()
  var rest = archive[...]
  while !rest.isEmpty {
    let piece = rest.prefix(pieces)
    rest = rest.dropFirst(piece.count)
    try reader.read(piece) { event in
      switch event {
      case .entry(let entry): found.append((entry, ""))
      case .data(let bytes): found[found.count - 1].text += bytes.utf8Text
      case .endOfEntry: break
      }
    }
  }
  try reader.finish()
  return found
}

private let long = String(repeating: "long/", count: 40) + "name"

private let members = TarWriter.tar(
  .directory("a/"), .file("a/b", "hello", mode: 0o755), .link("a/c", to: "b"), .hard("d", to: "a/b"),
  .file("p").with { $0.prefix = "first/second" },
  .record("L", long + "\u{0}"), .file("short", String(repeating: "y", count: 1500)),
  .record("K", long + "\u{0}"), .link("l", to: "short"),
  .extended(("path", "é/" + long), ("mtime", "1600000000.25"), ("comment", "x")), .file("other"),
  .extended(("linkpath", long)), .link("m", to: "other"),
  .record("g", "16 comment=hello\n"), .file("empty", ""), .directory("device").with { $0.type = "3" })

@Test(arguments: [1, 7, 511, 512, 513, 5000, Int.max])
func `an archive reads the same in pieces of any size`(pieces: Int) throws {
  let found = try read(members, pieces: pieces)
  #expect(
    found.map(\.entry.name) == [
      "a/", "a/b", "a/c", "d", "first/second/p", long, "l", "é/" + long, "m", "empty", "device",
    ])
  #expect(found.map(\.entry.kind)[..<5] == [.directory, .file, .symbolicLink(to: "b"), .hardLink(to: "a/b"), .file])
  #expect(found[6].entry.kind == .symbolicLink(to: long) && found[8].entry.kind == .symbolicLink(to: long))
  #expect(found[10].entry.kind == .other)
  #expect(found[1].text == "hello" && found[1].entry.mode == 0o755 && found[1].entry.modified == 1_700_000_000)
  #expect(found[5].text.count == 1500 && found[7].entry.modified == 1_600_000_000 && found[9].text.isEmpty)
  for (entry, text) in found where !text.isEmpty {
    #expect(members[entry.dataOffset..<(entry.dataOffset + entry.size)].utf8Text == text)
  }
}

@Test func `sizes beyond eight gigabytes come in binary or in an extended header`() throws {
  var large = TarReader(), sizes: [Int] = []
  try large.read(TarWriter.tar(.extended(("size", "12345678901")), .file("a"), isEnded: false)[...]) {
    if case .entry(let entry) = $0 { sizes.append(entry.size) }
  }
  #expect(sizes == [12_345_678_901] && large.skippable == 12_345_678_901 - 512 + 459)
  // 0x80, then eleven bytes that are the number.
  var block = TarWriter.tar(.file("a", ""), isEnded: false)
  block[124..<136] = [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]
  for place in 148..<156 { block[place] = 32 }
  let sum = String(block[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
  block[148..<(148 + sum.utf8.count)] = Array(sum.utf8)[...]
  var binary = TarReader()
  try binary.read(block[...]) { if case .entry(let entry) = $0 { sizes.append(entry.size) } }
  #expect(sizes.last == 8 << 30)
}

@Test(arguments: [
  ("a wrong checksum", TarWriter.tar(.file("a").with { $0.checksum = 1 })),
  ("no number for the size", TarWriter.tar(.file("a").with { $0.size = "00000000008" })),
  ("half a header", Array(members.prefix(700))),
  ("half of the data", TarWriter.tar(.file("a", String(repeating: "x", count: 600)), isEnded: false).dropLast(512)),
  ("a name that is not UTF-8", TarWriter.tar(.extended(("path", "a")), .file("b")).map { $0 == UInt8(ascii: "a") ? 0xff : $0 }),
  ("a sparse file", TarWriter.tar(.file("a").with { $0.type = "S" })),
  ("a sparse file of POSIX", TarWriter.tar(.extended(("GNU.sparse.major", "1")), .file("a"))),
  ("a record without a length", TarWriter.tar(.record("x", "path=a\n"), .file("a"))),
  ("a record that is longer than it says", TarWriter.tar(.record("x", "9 path=abc\n"), .file("a"))),
  ("a negative size", TarWriter.tar(.extended(("size", "-1")), .file("a"))),
  ("a record larger than memory should hold", TarWriter.tar(.record("L", "a").with { $0.size = "77777777777" })),
  ("no archive", Array("no archive at all, but text that is long enough to be a header".utf8) + [UInt8](repeating: 65, count: 512)),
] as [(String, [UInt8])])
func `what is no archive is refused`(what: String, archive: [UInt8]) {
  #expect(throws: PackageError.self, "\(what)") { try read(archive) }
}

@Test func `no damaged byte makes the reader do worse than refuse`() throws {
  let archive = Array(TarWriter.tar(.file("a", "hello"), .extended(("path", "b")), .link("c", to: "a")))
  for place in archive.indices {
    for change in [0x01, 0x80, 0xff] as [UInt8] {
      var bad = archive
      bad[place] ^= change
      do { _ = try read(bad) } catch is PackageError {}
    }
  }
}

@Test(arguments: [
  ("./a/./b//c/", ["a", "b", "c"]), ("/etc/passwd", ["etc", "passwd"]), ("./", []), ("system\\x2d.slice", ["system\\x2d.slice"]),
])
func `names mean places below the root, however tools write them`(name: String, components: [String]) throws {
  #expect(try TarEntry.components(name) == components)
}

@Test(arguments: ["../a", "a/../../b", "a/..", String(repeating: "a/", count: 200), String(repeating: "a", count: 300)])
func `names that lead upwards or are too long are refused`(name: String) {
  #expect(throws: PackageError.self) { try TarEntry.components(name) }
}
