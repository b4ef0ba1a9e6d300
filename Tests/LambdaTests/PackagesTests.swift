import Base
import Store
import Testing

@testable import Lambda

private let badZip = "Could not unzip uploaded file. Please check your file, then try to upload again."

private func inflate(_ base64: String, size: Int) throws -> [UInt8] {
  var out: [UInt8] = []
  try Inflater.inflate((decodeBase64(base64) ?? [])[...], size: size) { out += $0 }
  return out
}

private func checksum(_ bytes: [UInt8]) -> UInt32 { CRC.crc32(bytes) }

private let dynamic =
  "fZRLbsMwDET3PYWPIH4l5TZt0QIFgvb+u0Iko8iylKWHNjDzPOT95/frSMff95Fux9u9PUF7gtvx/vHpAjaBTegaNa0+tC6zfauD3kfSRijnUZ9qm5Jepv2FbCbqw2Rpj8qDy9qUAmebYNEgpYtT8JgIK69gkYF54xbIc9a9X3AUVTtWBxAEQlOHopNrC4vlyhcsNyEvXVeHCBvXaDD4BGN+xagww8M1+s8vI2m09IL17BotsWS9uEaLrvPPj6Ex0Kw71wYj4wvWaFRyMxmCl4HHFpOlr8/0IVvieoIWEy9BWsMmr0AqdeObvAAgL0pN4iVsZEJRV6qO1g0BkE7EqURN+WreCICs+82+FrqoQrzg26EF9ubZ+WTt2NmZFK6DeY5FoKnk7PuQTq2Ika8FrA8J+3Zg2pFnw4KU+IV544OcetMl+S4GkxCNA2qa7opYdszpSl7Il3e2F1OjgRV2dRfDQmlxKZ/v+LUE6sdFctyFkbz4sSCdbrf4neDTz337Bw=="

@Test func `DEFLATE data of every block type is decompressed`() throws {
  let text = (0..<60).map { "line \($0) of \($0 * $0): \(String(repeating: "abc", count: $0 % 7))\n" }.joined()
  #expect(try inflate(dynamic, size: 1546).utf8Text == text)
  #expect(checksum(Array(text.utf8)) == 1_900_187_470)
  #expect(try inflate("y0jNyclXyEAnAQ==", size: 23).utf8Text == "hello hello hello hello")
  #expect(try inflate("AwA=", size: 0).isEmpty)
  let zeros = "7cExAQAAAMKg9U9tCU+g" + String(repeating: "A", count: 89) + "IC3AQ=="
  #expect(try inflate(zeros, size: 70_000) == [UInt8](repeating: 0, count: 70_000))
  let stored: [UInt8] = [1, 3, 0, 0xfc, 0xff, 7, 8, 9]
  #expect(try inflate(stored.base64, size: 3) == [7, 8, 9])
}

/// Bits in DEFLATE's order.
private struct BitWriter {
  var bytes: [UInt8] = []
  private var used = 8
  mutating func number(_ value: Int, _ count: Int) {
    for i in 0..<count {
      if used == 8 { bytes.append(0); used = 0 }
      bytes[bytes.count - 1] |= UInt8(value >> i & 1) << UInt8(used)
      used += 1
    }
  }
  /// A Huffman code, which goes in with its first bit first.
  mutating func code(_ value: Int, _ count: Int) { for i in (0..<count).reversed() { number(value >> i & 1, 1) } }
  mutating func align() { used = 8 }
}

@Test(arguments: [(1, 0, 0, 0), (32_768, 29, 8191, 13), (24_577, 29, 0, 13), (5, 4, 0, 1)])
func `a match reaches back over the whole window, however much was written before`(
  distance: Int, symbol: Int, extra: Int, extraBits: Int
) throws {
  var expected = SeededRandom(seed: 7).bytes(40_000)
  var data = BitWriter()
  data.number(0, 3)
  data.align()
  data.number(40_000, 16)
  data.number(~40_000, 16)
  data.bytes += expected
  data.number(0b011, 3)
  for _ in 0..<2000 {
    data.code(0b1100_0101, 8)
    data.code(symbol, 5)
    data.number(extra, extraBits)
    for _ in 0..<258 { expected.append(expected[expected.count - distance]) }
  }
  data.code(0, 7)
  var out: [UInt8] = []
  try Inflater.inflate(data.bytes[...], size: expected.count) { out += $0 }
  #expect(out == expected)
}

@Test(arguments: [
  ("more than declared", "y0jNyclXyEAnAQ==", 22), ("less than declared", "y0jNyclXyEAnAQ==", 24),
  ("bytes behind the end", "y0jNyclXyEAnAQAA", 23), ("ends early", "y0jNyclXyEA=", 23), ("no data", "", 0),
  ("unknown block type", "Bw==", 0), ("stored block with a wrong length", "AQMA/P4HCAk=", 3),
  // A match that reaches before the start: fixed block, length 3 at distance 1 as its first symbol.
  ("distance before the start", "AwIA", 3),
])
func `malformed DEFLATE data is a defect`(what: String, base64: String, size: Int) {
  #expect(throws: InflateFailure.self, "\(what)") { try inflate(base64, size: size) }
}

@Test func `no damaged byte makes the decompressor do worse than refuse`() throws {
  let good = decodeBase64(dynamic) ?? []
  for place in good.indices {
    for change in [0x01, 0x10, 0x80, 0xff] as [UInt8] {
      var bad = good
      bad[place] ^= change
      var count = 0
      do { try Inflater.inflate(bad[...], size: 1546) { count += $0.count } } catch is InflateFailure {}
      #expect(count <= 1546)
    }
    var count = 0
    do { try Inflater.inflate(good[..<place], size: 1546) { count += $0.count } } catch is InflateFailure {}
    #expect(count <= 1546)
  }
}

@Test func `a package is unpacked with its modes, links and directories`() async throws {
  let directory = TemporaryDirectory()
  let packages = PackageStore(blobs: MemoryBlobStore(), directory: directory.path + "/a/b")
  let zip = ZipWriter.zip(
    .init("bootstrap", "#!/bin/sh\n", mode: 0o100700), .init("lib/"), .init("lib/mod.py", "x = 1", mode: 0o100600),
    .init("lib/current", "mod.py", mode: 0o120777), .init("./deep//er/é.txt", "u"), .init("up/down", "../lib", mode: 0o120777))
  let (hash, size, unzipped) = try await packages.add(zip: zip)
  #expect(size == zip.count && hash.count == 64 && unzipped == 28)
  let path = try await packages.directory(for: hash)
  #expect(TemporaryDirectory.names(path) == ["bootstrap", "deep", "lib", "up"])
  #expect(TemporaryDirectory.mode(path) & 0o7777 == 0o755)
  #expect(TemporaryDirectory.mode(path + "/bootstrap") & 0o7777 == 0o755)
  #expect(TemporaryDirectory.mode(path + "/lib/mod.py") & 0o7777 == 0o644)
  #expect(TemporaryDirectory.mode(path + "/lib") & 0o7777 == 0o755)
  #expect(TemporaryDirectory.text(path + "/up/down/current") == "x = 1")
  #expect(TemporaryDirectory.text(path + "/deep/er/é.txt") == "u")
  #expect(TemporaryDirectory.names(directory.path + "/a/b") == [hash])
}

@Test func `a package that is missing on disk is unpacked again, and one that is removed is gone`() async throws {
  let directory = TemporaryDirectory(), blobs = MemoryBlobStore()
  let zip = ZipWriter.zip(.init("a.py", "1"))
  let hash = try await PackageStore(blobs: blobs, directory: directory.path + "/one").add(zip: zip).hash
  let packages = PackageStore(blobs: blobs, directory: directory.path + "/two")
  let path = try await packages.directory(for: hash)
  #expect(TemporaryDirectory.text(path + "/a.py") == "1")
  #expect(try await packages.remove(hash) { true } == .stillUsed)
  #expect(try await packages.zip(hash).isEmpty == false)
  #expect(try await packages.remove(hash) { false } == .removed)
  #expect(TemporaryDirectory.names(directory.path + "/two").isEmpty)
  await #expect(throws: PackageStore.PackageMissing.self) { try await packages.directory(for: hash) }
}

@Test func `a package that is just being added is not removed`() async throws {
  let directory = TemporaryDirectory()
  let packages = PackageStore(blobs: MemoryBlobStore(), directory: directory.path)
  let hash = try await packages.add(zip: ZipWriter.zip(.init("a.py", "1"))).hash
  #expect(try await packages.remove(hash) { false } == .beingAdded)
  packages.release(hash)
  #expect(try await packages.remove(hash) { false } == .removed)
}

private let file = ZipWriter.Entry("a.py", "print(1)")
private let compressed = ZipWriter.Entry("a.txt").with {
  ($0.data, $0.method, $0.size) = (decodeBase64("y0jNyclXyEAnAQ==") ?? [], 8, 23)
  $0.checksum = checksum(Array("hello hello hello hello".utf8))
}

private let hostile: [(String, [UInt8])] = [
  ("empty", []), ("no zip", Array("hello, this is certainly no zip archive".utf8)),
  ("cut off", Array(ZipWriter.zip([file]).dropLast(1))), ("cut at the front", Array(ZipWriter.zip([file]).dropFirst(3))),
  ("bytes behind the end", ZipWriter.zip([file]) + [0]), ("fewer entries than said", ZipWriter.zip([file], count: 2)),
  ("more entries than said", ZipWriter.zip([file, ZipWriter.Entry("b", "1")], count: 1)),
  ("path traversal", ZipWriter.zip([.init("../x", "1")])), ("traversal in the middle", ZipWriter.zip([.init("a/../../x", "1")])),
  ("absolute path", ZipWriter.zip([.init("/etc/passwd", "1")])), ("backslash", ZipWriter.zip([.init("..\\x", "1")])),
  ("NUL in the name", ZipWriter.zip([.init("a\0b", "1")])), ("no name", ZipWriter.zip([.init("", "1")])),
  ("only dots", ZipWriter.zip([.init("./.", "1")])),
  ("name that is not UTF-8", ZipWriter.zip([file.with { $0.name = [0x61, 0xff] }])),
  ("long component", ZipWriter.zip([.init(String(repeating: "x", count: 256), "1")])),
  ("deep path", ZipWriter.zip([.init(String(repeating: "a/", count: 100) + "b", "1")])),
  ("same path twice", ZipWriter.zip([file, file])),
  ("same path written twice", ZipWriter.zip([.init("a", "1"), .init("./a", "2")])),
  ("file that is also a directory", ZipWriter.zip([.init("a", "1"), .init("a/b", "2")])),
  ("directory that is also a file", ZipWriter.zip([.init("a/b", "1"), .init("a", "2")])),
  ("file beneath a link", ZipWriter.zip([.init("a", "/tmp", mode: 0o120777), .init("a/b", "2")])),
  ("absolute link", ZipWriter.zip([.init("a", "/etc/passwd", mode: 0o120777)])),
  ("link that leaves the root", ZipWriter.zip([.init("d/a", "../../x", mode: 0o120777)])),
  ("link through a link", ZipWriter.zip([.init("d/e/l", "../..", mode: 0o120777), .init("m", "d/e/l/../x", mode: 0o120777)])),
  ("empty link", ZipWriter.zip([.init("a", "", mode: 0o120777)])),
  ("link with NUL", ZipWriter.zip([.init("a", "b\0c", mode: 0o120777)])),
  ("device", ZipWriter.zip([.init("a", "", mode: 0o020666)])), ("fifo", ZipWriter.zip([.init("a", "", mode: 0o010666)])),
  ("directory with data", ZipWriter.zip([.init("a/", "x")])),
  ("encrypted", ZipWriter.zip([file.with { $0.flags = 1 }])), ("unknown method", ZipWriter.zip([file.with { $0.method = 12 }])),
  ("wrong checksum", ZipWriter.zip([file.with { $0.checksum = 1 }])),
  ("wrong checksum of compressed data", ZipWriter.zip([compressed.with { $0.checksum = 1 }])),
  ("stored with two sizes", ZipWriter.zip([file.with { $0.size = 9 }])),
  ("size is too small", ZipWriter.zip([compressed.with { $0.size = 22 }])),
  ("size is too large", ZipWriter.zip([compressed.with { $0.size = 24 }])),
  (
    "data reaches into the directory",
    ZipWriter.zip([
      file.with {
        $0.compressedSize = 30; $0.size = 30
      }
    ])
  ),
  ("offset outside", ZipWriter.zip([file.with { $0.localOffset = 1 << 30 }])),
  ("offset into the data", ZipWriter.zip([file.with { $0.localOffset = 5 }])),
  ("other name in the local header", ZipWriter.zip([file.with { $0.localName = Array("b.py".utf8) }])),
  ("two entries share their data", ZipWriter.zip([file, file.with { $0.localOffset = 0 }])),
  ("zip64 without its numbers", ZipWriter.zip([file.with { $0.compressedSize = 0xffff_ffff }])),
]

@Test(arguments: hostile)
func `a hostile archive is refused and leaves nothing behind`(what: String, zip: [UInt8]) async throws {
  let directory = TemporaryDirectory(), blobs = MemoryBlobStore()
  let packages = PackageStore(blobs: blobs, directory: directory.path + "/code")
  let error = await #expect(throws: AWSError.self, "\(what)") { try await packages.add(zip: zip) }
  #expect(error?.code == "InvalidParameterValueException" && error?.message == badZip)
  #expect(TemporaryDirectory.names(directory.path) == ["code"])
  #expect(TemporaryDirectory.names(directory.path + "/code").isEmpty)
  #expect(try await blobs.list().isEmpty)
}

@Test func `no damaged byte of an archive does worse than a refusal`() async throws {
  let directory = TemporaryDirectory()
  let packages = PackageStore(blobs: MemoryBlobStore(), directory: directory.path + "/code")
  let good = ZipWriter.zip([
    file, compressed, .init("d/l", "../a.py", mode: 0o120777), file.with { ($0.name, $0.isZip64) = ([98], true) },
  ])
  _ = try await packages.check(zip: good)
  for place in good.indices {
    for change in [0x01, 0x2e, 0xff] as [UInt8] {
      var bad = good
      bad[place] ^= change
      do { _ = try await packages.check(zip: bad) } catch let error as AWSError {
        #expect(error.code == "InvalidParameterValueException", "byte \(place): \(error)")
      }
    }
  }
  #expect(TemporaryDirectory.names(directory.path) == ["code"])
}

@Test func `packages that are too large are refused in AWS's words before they fill the disk`() async throws {
  let directory = TemporaryDirectory()
  let packages = PackageStore(blobs: MemoryBlobStore(), directory: directory.path)
  let half = compressed.with { $0.size = LambdaLimits.unzippedBytes / 2 + 1 }
  for zip in [
    ZipWriter.zip([compressed.with { $0.size = LambdaLimits.unzippedBytes + 1 }]),
    ZipWriter.zip([half, half.with { $0.name = [98] }]),
    ZipWriter.zip([compressed.with { ($0.isZip64, $0.size) = (true, 1 << 40) }]),
  ] {
    let error = await #expect(throws: AWSError.self) { try await packages.add(zip: zip) }
    #expect(error?.message == "Unzipped size must be smaller than 262144000 bytes")
  }
  let large = #expect(throws: AWSError.self) {
    try FunctionSettings.zip(file: [UInt8](repeating: 0, count: LambdaLimits.zippedBytes + 1))
  }
  #expect(large?.code == "RequestEntityTooLargeException" && large?.status == 413)
  #expect(large?.message == "Zipped size must be smaller than 52428800 bytes")
}

@Test func `an archive comment that looks like an end record does not confuse the reader`() throws {
  let comment: [UInt8] = [0x50, 0x4b, 5, 6] + [UInt8](repeating: 0, count: 30)
  #expect(try ZipArchive(ZipWriter.zip([file], comment: comment)).entries.map(\.path) == [["a.py"]])
}

@Test(arguments: [
  ("x", 0, true), ("../x", 1, true), ("../x", 0, false), ("a/b", 0, true), ("a/..", 3, false), ("/x", 3, false), ("", 0, false),
  ("./../.", 1, true), ("..", 1, true), ("../..", 1, false),
])
func `a link may only lead to places inside the package`(target: String, depth: Int, isAllowed: Bool) {
  #expect(Unpacker.staysInside(Array(target.utf8), depth: depth) == isAllowed)
}
